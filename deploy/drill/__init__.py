"""Does it survive what it is said to survive? `python -m deploy.drill restore|failover` shows it on this machine."""
