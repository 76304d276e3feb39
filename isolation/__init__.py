"""Whose rows may this transaction see?"""
