"""What does a change of plan bring, cost and ask, and is it made?"""
