"""May this call go ahead, and if not, what would make it?"""
