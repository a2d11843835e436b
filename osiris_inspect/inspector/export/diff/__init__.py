"""The differences of two runs as text, JSON and Markdown."""
