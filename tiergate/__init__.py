"""Given the facts, what is the answer?"""
