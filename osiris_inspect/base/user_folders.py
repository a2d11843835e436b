"""Folders of the user for settings, caches and state."""

import os
import sys
from pathlib import Path
from typing import Final, Literal

UserFolder = Literal["config", "cache", "state"]

_APP: Final = "osiris-inspect"
_XDG: Final = {
    "config": ("XDG_CONFIG_HOME", ".config"),
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "state": ("XDG_STATE_HOME", ".local/state"),
}


def user_folder(kind: UserFolder) -> Path:
    """Return the folder of this program for ``kind``; it may not exist yet.

    The usual case on Linux is answered here: importing platformdirs costs 10 ms of every command.
    """
    if sys.platform == "linux":
        variable, default = _XDG[kind]
        folder, home = os.environ.get(variable, ""), os.environ.get("HOME", "")
        if folder.startswith("/"):
            return Path(folder, _APP)
        if home.startswith("/"):
            return Path(home, default, _APP)
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_dir")(_APP, appauthor=False))
