"""The terminal screens. They show what the inspector says and decide nothing."""
