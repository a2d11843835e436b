"""Lists, text views, headers and footers."""
