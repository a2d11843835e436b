"""The filter language of `events` and the screens."""
