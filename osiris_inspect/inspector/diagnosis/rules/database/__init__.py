"""Rules for databases and SQL."""
