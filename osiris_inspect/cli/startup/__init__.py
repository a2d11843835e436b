"""Fast start: commands without typer, the first verdict, the report read ahead."""
