"""Facts of the files that a step reads by a pattern or a list, which may be others in the next run.

Recorded as part of ``source`` of ``output_stored``.

- ``files_read``: the number of files.
- ``files``: the path and the rows of each file, of the last ``MAX_FILES`` only.
- ``files_without_rows``: files that have no rows, if there are others with rows.
- ``files_not_read``: files that were not opened because ``limit`` was reached.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext
from osiris_inspect.runtime.drivers.interface.file_paths import base_dir
from osiris_inspect.runtime.pipeline import pipeline_files

MAX_FILES: Final = 50
"""Files that are named: the last, because names with dates or numbers grow."""

FileFacts = dict[str, int | list[dict[str, int | str]]]


def files_facts(
    config: Config, ctx: DriverContext, files: Sequence[tuple[Path, int]], matched: int
) -> FileFacts:
    """Return the facts of files and their rows, of ``matched`` files; empty if the step names a single file."""
    base = base_dir(config, ctx)
    path = config["path"]
    if not isinstance(path, list) and not pipeline_files.is_pattern(base, path):
        return {}
    without_rows = sum(not rows for _, rows in files)
    facts: FileFacts = {
        "files_read": len(files),
        "files": [{"path": _shown(path, base), "rows": rows} for path, rows in files[-MAX_FILES:]],
    }
    if 0 < without_rows < len(files):
        facts["files_without_rows"] = without_rows
    if matched > len(files):
        facts["files_not_read"] = matched - len(files)
    return facts


def _shown(path: Path, base: Path) -> str:
    """Return a path relative to the folder that paths start from, if it is there."""
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
