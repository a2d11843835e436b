"""What rules are made of: texts that say what went wrong, and quotes that stand where they say."""
