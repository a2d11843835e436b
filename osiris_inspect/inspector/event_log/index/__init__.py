"""Index of a large events.jsonl, built by one or several processes."""
