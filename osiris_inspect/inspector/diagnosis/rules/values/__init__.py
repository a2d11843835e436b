"""Rules for values of frames that cannot be right, though the run succeeded."""
