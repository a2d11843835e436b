"""Checks of a query that has run: what its text and the rows of its inputs show to be a mistake."""
