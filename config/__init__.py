"""How is it put together?"""
