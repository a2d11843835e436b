"""Earlier runs as sources: their pipeline, their frames, their states of steps."""
