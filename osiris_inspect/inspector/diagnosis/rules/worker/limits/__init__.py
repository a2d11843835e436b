"""Rules about limits of a process: memory, disk, files and time."""
