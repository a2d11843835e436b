"""What every driver is given and must return."""
