"""Rules about numbers outside of what their column can have, and rows that a group loses."""
