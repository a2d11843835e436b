"""From the files of a run directory to a ``Run``: what lies there, what it says step by step, how it ended."""
