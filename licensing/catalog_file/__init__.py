"""What should the catalogue be? A file says it whole; this reads it, checks it, and makes it so."""
