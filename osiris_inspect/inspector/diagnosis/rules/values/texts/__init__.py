"""Rules about texts that are no values."""
