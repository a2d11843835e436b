"""Rules on connections and services."""
