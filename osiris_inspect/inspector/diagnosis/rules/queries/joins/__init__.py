"""Rules about joins of queries that ran."""
