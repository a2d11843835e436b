"""Drivers: extractors, processors and writers, one folder or file a family."""
