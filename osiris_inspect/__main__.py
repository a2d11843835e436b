"""Start the command line as ``python -m osiris_inspect``."""

from osiris_inspect.cli import main

if __name__ == "__main__":
    main()
