"""What does a workspace have, and who is in it?"""
