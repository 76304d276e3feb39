"""The operator's pages beside the tables: tenants, billing's inbox, and the drafts of plans."""
