"""What rules are made of: citations, verified quotes, error texts and patterns."""
