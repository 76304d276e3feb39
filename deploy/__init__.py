"""How is it run by those who did not write it?"""
