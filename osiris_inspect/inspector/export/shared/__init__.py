"""Code that several report formats share."""
