"""Interface of drivers, and helpers that several drivers share."""
