"""The command of a child process that runs a Python module."""

import sys


def module_command(module: str, *arguments: str, python: str | None = None) -> list[str]:
    """Return the command that runs ``python -m module``.

    With ``-P`` the working folder is not searched for modules: a file ``textual.py`` beside a run is not executed.
    """
    return [python or sys.executable, "-P", "-m", module, *arguments]
