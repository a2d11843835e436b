"""MySQL and MariaDB: mysql.extractor."""
