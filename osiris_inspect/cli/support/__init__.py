"""What the commands share: streams, options, paths, configuration."""
