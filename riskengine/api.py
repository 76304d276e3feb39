"""The only way into riskengine from another room. How risky does this look?"""
