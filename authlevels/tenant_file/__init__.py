"""Which tenants are there to be, with which people? A file says so; this reads it, checks it, and makes it so."""
