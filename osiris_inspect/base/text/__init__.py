"""Texts for terminals: characters that act or cannot be seen, and the forms of texts."""
