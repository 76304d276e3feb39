"""What may a person see and change of how they sign in?"""
