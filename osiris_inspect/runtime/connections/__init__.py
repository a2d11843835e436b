"""osiris_connections.yaml, .env files and `${VAR}` substitution."""
