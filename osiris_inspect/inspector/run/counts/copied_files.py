"""Files that a step read beside a copy of them, by their names and rows."""

import posixpath
from typing import NamedTuple

from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int

_COPY = LazyRegex(
    r"[ _-]{0,3}\(\d{1,3}\)(?=\.|\Z)|[ _-]{1,3}(?:copy|kopie|copia|copie)(?:[ _-]?\(?\d{1,3}\)?)?(?=\.|\Z)"
    r"|\A(?:copy|kopie|copia|copie)[ _-](?:(?:of|von|de)[ _-])?|(?<=[a-z])\.\d{1,3}\Z",
    2,
)
"""Text that programs add to the name of a file if another file has that name."""


class CopiedFile(NamedTuple):
    """Two files with the same number of rows, of which one is probably a copy."""

    original: str
    copy: str
    rows: int


def copied_file(frame: FrameFacts) -> CopiedFile | None:
    """Return a file whose name is that of a copy of another, with as many rows; None if there is none."""
    rows = _rows_by_path(frame)
    for path, count in rows.items():
        folder, name = posixpath.split(path)
        original = posixpath.join(folder, _COPY.sub(lambda _match: "", name))
        if count and original != path and rows.get(original) == count:
            return CopiedFile(original, path, count)
    return None


def equal_files(frame: FrameFacts, rows: int) -> CopiedFile | None:
    """Return the only two files that have this number of rows; None if there are not two."""
    paths = [path for path, count in _rows_by_path(frame).items() if count == rows]
    return CopiedFile(paths[0], paths[1], rows) if len(paths) == 2 and rows else None


def _rows_by_path(frame: FrameFacts) -> dict[str, int]:
    return {str(entry.get("path")): as_int(entry.get("rows")) or 0 for entry in frame.source_entries("files")}
