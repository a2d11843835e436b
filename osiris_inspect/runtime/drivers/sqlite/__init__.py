"""SQLite: sqlite.extractor and sqlite.writer."""
