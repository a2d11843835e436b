"""The east wing: reads runs of any maker. It writes nothing and imports no heavy package at its doors."""
