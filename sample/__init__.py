"""What does a product look like that asks?"""
