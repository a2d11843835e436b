"""Rules for rows and values."""
