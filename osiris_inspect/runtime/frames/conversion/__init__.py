"""The normal form of a frame: every column and index as Arrow and back, exactly, so that memory and disk answer alike."""
