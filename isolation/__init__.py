"""Whose rows may this transaction see, and which stored secret may be opened?"""
