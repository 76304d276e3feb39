"""What may this tenant use?"""
