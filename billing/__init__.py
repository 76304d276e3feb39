"""What has been paid for?"""
