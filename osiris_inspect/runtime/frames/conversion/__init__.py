"""Normal form of frames: exact conversion of columns and indexes to Arrow and back."""
