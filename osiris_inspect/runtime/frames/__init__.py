"""What the frame store is made of beside itself: what it keeps, lends and lets go of, and its files on disk."""
