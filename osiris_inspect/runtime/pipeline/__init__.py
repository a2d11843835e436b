"""A pipeline file on its way to a manifest: its text with places, parameters and variables, its steps, and what is odd in it."""
