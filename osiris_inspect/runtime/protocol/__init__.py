"""Definitions shared by proxy and worker: messages, bundle, environment, cancellation."""
