"""The only way into billing from another room. What has been paid for?"""
