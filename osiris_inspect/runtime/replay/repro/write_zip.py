"""Writes a bundle as a zip, the same bytes for the same content."""

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_TIME: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100600 << 16


def write_zip(files: Mapping[str, bytes], path: Path) -> int:
    """Write files into a zip, which replaces ``path`` when it is complete; return its size in bytes.

    Raises:
        OSError: the disk refused; ``path`` is as it was.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            with zipfile.ZipFile(out, "w") as archive:
                for name, content in sorted(files.items()):
                    info = zipfile.ZipInfo(name, _TIME)
                    info.external_attr, info.create_system = _MODE, 3
                    archive.writestr(info, content, zipfile.ZIP_DEFLATED, 9)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        os.replace(temporary, path)  # noqa: PTH105  both are texts of one folder
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108  as above
        raise
    return size


def read_zip(path: Path) -> dict[str, bytes]:
    """Return the files of a zip that this program wrote."""
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}
