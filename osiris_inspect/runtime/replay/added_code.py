"""Hash of a folder of Python modules that a replay imports from."""

import hashlib
import os
from pathlib import Path
from typing import Final

_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "site-packages"})


def code_hash(folder: Path) -> str:
    """Return a hash over the Python files in a folder, without hidden folders and those of installed packages.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(files):
            if name.endswith(".py"):
                path = Path(parent, name)
                digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return "sha256:" + digest.hexdigest()
