"""Rules about the machines of a cluster."""
