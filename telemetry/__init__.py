"""What is going on in this process, for those who watch it?"""
