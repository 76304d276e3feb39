"""The only way into console from another room. What does a person see?"""
