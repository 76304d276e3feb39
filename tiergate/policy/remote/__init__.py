"""What would a server make of a bundle, and which one is in force there? Asked over HTTP, by Python's own library."""
