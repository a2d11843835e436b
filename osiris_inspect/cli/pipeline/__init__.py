"""Commands that compile and run pipelines."""
