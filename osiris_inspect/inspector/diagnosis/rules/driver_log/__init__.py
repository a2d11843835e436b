"""Rules for the messages that a driver logs while its step succeeds."""
