"""Rules about the conditions of a query."""
