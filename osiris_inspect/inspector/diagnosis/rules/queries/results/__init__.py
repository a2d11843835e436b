"""Rules about the groups and the columns that a query makes."""
