"""Django's PostgreSQL backend on the demo's own server."""
