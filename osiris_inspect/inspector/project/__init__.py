"""What a repository says of its own runs: rules and allowances, known findings, the lines of its pipeline files."""
