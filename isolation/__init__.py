"""Whose rows may this transaction see, which stored secret may be opened, and what is sent beside the requests?"""
