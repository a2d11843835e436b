"""What the configuration of a step says: its query, and how it treats its target."""
