"""How much of its limits does a tenant use?"""
