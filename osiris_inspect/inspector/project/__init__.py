"""Project settings: rules, suppressions, baselines, and source locations."""
