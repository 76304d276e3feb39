"""Buying, changing and ending what is paid for, with what that asks of the members."""
