"""postgres.extractor and postgres.writer."""
