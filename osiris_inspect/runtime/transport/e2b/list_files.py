"""Program that lists the files of a remote worker: one JSON line per file with size and hash.

The host sends it with each listing, so that it runs the host's code; it imports only the standard library.
What it prints is checked by the host, because other processes of the sandbox can change it.
"""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator

_MAX_DEPTH = 20
"""Levels of folders below the artifacts that are listed."""


def main() -> None:
    """Print the artifacts of a run directory, then the existing output files, as requested on stdin."""
    request = json.loads(sys.stdin.readline())
    groups = (
        (False, request["run"], _artifacts(request["run"]), request["max_artifact_bytes"]),
        (True, request["base"], request["outputs"], request["max_output_bytes"]),
    )
    for is_output, folder, names, max_bytes in groups:
        for name in names:
            entry = _to_entry(f"{folder}/{name}", max_bytes)
            if entry is not None:
                sys.stdout.write(json.dumps({"path": name, "is_output": is_output, **entry}) + "\n")


def _artifacts(run: str) -> Iterator[str]:
    root = f"{run}/artifacts"
    for folder, folders, names in os.walk(root):
        if folder.count("/") - root.count("/") > _MAX_DEPTH:
            folders.clear()
        folders.sort()
        links = [name for name in folders if os.path.islink(f"{folder}/{name}")]  # noqa: PTH114  a text is shorter
        for name in sorted(names + links):
            path = os.path.relpath(f"{folder}/{name}", run)
            if path != "artifacts/_system/components.json":  # the host sent it
                yield path


def _to_entry(path: str, max_bytes: int) -> "dict[str, object] | None":
    try:
        # O_NONBLOCK: a pipe without a writer would block
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        return {"special": "a symbolic link" if os.path.islink(path) else f"unreadable ({error.strerror})"}  # noqa: PTH114  a text is shorter
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return {"special": "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"}
        is_hashed = status.st_size <= max_bytes
        digest = hashlib.file_digest(file, "sha256").hexdigest() if is_hashed else None
    return {"bytes": status.st_size, "sha256": digest}


if __name__ == "__main__":
    main()
