"""PostgreSQL: postgres.extractor and postgres.writer."""
