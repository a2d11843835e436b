"""mysql.extractor."""
