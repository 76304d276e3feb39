"""How risky do a workspace's sessions look, and what follows from that?"""
