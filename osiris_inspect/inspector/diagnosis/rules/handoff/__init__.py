"""Rules for outputs and inputs of steps."""
