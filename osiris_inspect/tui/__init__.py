"""Terminal UI: shows the reports of the inspector."""
