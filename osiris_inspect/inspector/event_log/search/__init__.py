"""Search a large events.jsonl without decoding every line."""
