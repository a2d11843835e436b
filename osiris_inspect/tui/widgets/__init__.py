"""Widgets: lists, text view, header, footer, tab bar and filter box."""
