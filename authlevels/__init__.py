"""How sure are we that it is them?"""
