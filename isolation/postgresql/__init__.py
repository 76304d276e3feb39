"""Django's PostgreSQL, which does not wait for ever: a database engine for the settings."""
