"""Django's own commands, as the owner of the schema."""
