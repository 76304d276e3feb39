"""How do plans change over time? Drafts, what differs, going on sale and off it, and moving tenants over."""
