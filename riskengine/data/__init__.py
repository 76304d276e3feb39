"""What others know of networks: where they are, whose, of which kind, and who complained of them."""
