"""Rules about queries that ran and whose result is wrong."""
