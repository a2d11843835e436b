"""Files on the side of a remote worker, as its listing names them. Nothing of a listing is believed unchecked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from osiris_inspect.model.errors import WorkerStartFailed
from osiris_inspect.runtime.files.symlinks import resolved

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """File that the listing of a remote worker names.

    Attributes:
        path: relative to the run directory, or to the base folder if ``is_output``.
        sha256: hash in hexadecimal; None if the file was too large to be hashed.
        special: what it is if it is not a regular file, such as ``a symbolic link``.
    """

    path: str
    bytes: int
    sha256: str | None
    is_output: bool = False
    special: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """Listing of a remote worker's files.

    Attributes:
        invalid_lines: number of lines that do not describe a file.
    """

    files: tuple[RemoteFile, ...] = ()
    invalid_lines: int = 0


def parse_listing(lines: Iterable[str]) -> RemoteListing:
    """Return the listing of ``list_files.py``, one JSON object per line."""
    entries = [_parse_entry(line) for line in lines]
    files = tuple(entry for entry in entries if entry is not None)
    return RemoteListing(files, len(entries) - len(files))


def _parse_entry(line: str) -> RemoteFile | None:
    try:
        entry = orjson.loads(line)
    except ValueError:  # not JSON, or a lone surrogate
        return None
    if not isinstance(entry, dict):
        return None
    path, is_output, special = entry.get("path"), entry.get("is_output"), entry.get("special")
    if not isinstance(path, str) or not isinstance(is_output, bool):
        return None
    if special is not None:
        return RemoteFile(path, 0, None, is_output, str(special)[:100])
    size, digest = entry.get("bytes"), entry.get("sha256")
    if type(size) is not int or size < 0 or not (digest is None or _is_sha256(digest)):
        return None
    return RemoteFile(path, size, digest, is_output)


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def name_below(path: Path, base: Path, action: str) -> str:
    """Return ``path`` relative to ``base``, unresolved: links become files in the sandbox.

    Raises:
        WorkerStartFailed: the path or its link target is outside ``base``.
    """
    try:
        target = resolved(path).relative_to(resolved(base))
        named = path.absolute()
        is_plain = ".." not in named.parts and named.is_relative_to(base.absolute())
        return (named.relative_to(base.absolute()) if is_plain else target).as_posix()
    except ValueError:
        raise WorkerStartFailed(
            f"cannot upload the pipeline's files: it {action} {str(path)!r}, which is outside its folder {str(base)!r}",
            kind="path-outside-run",
            fix="move the file into the folder, or set --base",
            path=str(path),
            folder=str(base),
        ) from None
