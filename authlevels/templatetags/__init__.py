"""How do pages of any room write what a person confirms?"""
