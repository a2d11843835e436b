"""Frame store: frames in memory and on disk, conversion to Arrow, and spill files."""
