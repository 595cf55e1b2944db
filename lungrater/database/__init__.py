"""Django's PostgreSQL backend, for servers that may be frozen."""
