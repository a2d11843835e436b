"""Key bindings, messages, data source, themes."""
