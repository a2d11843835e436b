"""CSV files: filesystem.csv_extractor and filesystem.csv_writer."""
