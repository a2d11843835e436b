"""Key bindings, messages, data source and themes."""
