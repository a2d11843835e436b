"""SQL of a pipeline: its tokens, and the tables that it reads."""
