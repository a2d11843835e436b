"""Building blocks of rules: citations, verified quotes, error texts and error patterns."""
