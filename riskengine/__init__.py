"""How risky does this look?"""
