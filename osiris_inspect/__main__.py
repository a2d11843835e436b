"""Start the command line as ``python -m osiris_inspect``.

The working folder, which ``-m`` puts first on the path, is dropped: files beside a run are not imported.
"""

import os
import sys

if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:  # noqa: PTH109  pathlib would be imported from there
    del sys.path[0]

from osiris_inspect.cli import main

if __name__ == "__main__":
    main()
