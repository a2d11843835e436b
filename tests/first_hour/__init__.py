"""The first hour of a user: working files, each broken in one way, and the answers of the program."""
