"""What could a tenant use at some instant, and why? Read from what the rows said then."""
