"""Rules for values of a CSV file that were read, or saved before, as other values."""
