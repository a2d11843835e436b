"""Rules for connections and services."""
