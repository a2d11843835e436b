"""File names and paths of a run directory.

Older versions of the original used ``compiled/`` inside the run directory and
``run_logs/<profile>/<pipeline>/<time>_<run>-<hash>/``. A run is recognized by its files, not by its name.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

from osiris_inspect.model.errors import UnsafePath

EVENTS: Final = "events.jsonl"
METRICS: Final = "metrics.jsonl"
MANIFEST: Final = "manifest.yaml"
STATUS: Final = "status.json"
WORKER_LOG: Final = "worker.log"
COMMANDS: Final = "commands.jsonl"
SYSTEM_ARTIFACTS: Final = "artifacts/_system"
RUN_CARD: Final = "artifacts/_system/run_card.json"
PACKAGES: Final = "artifacts/_system/packages.json"
"""Versions of the packages that the worker imports from, by name."""
FRAME_KEY: Final = "df"
"""The key of a result under which a driver returns its frame."""
ARTIFACTS: Final = "artifacts"
RESERVE: Final = ".reserve"
"""File with disk space that is reserved for the end of a run."""
OUTPUTS: Final = ".outputs"
"""Folder in which isolated steps write the files that the pipeline names, until the host moves them into place."""
COMPILED_MANIFEST: Final = "compiled/manifest.yaml"

REJECTED_ROWS: Final = "rejected_rows.csv"
"""File in the artifact directory of a step with the rows that its driver left out."""

TEXT_LOGS: Final = ("worker.log", "osiris.log", "debug.log", "worker_stderr.log")
RUN_MARKER_FILES: Final = (EVENTS, METRICS, STATUS, RUN_CARD, MANIFEST, COMPILED_MANIFEST)
"""A directory that contains one of these is a run, complete or not."""
LOGS: Final = (EVENTS, METRICS, COMMANDS, *TEXT_LOGS)
"""Files that a writer appends to. They may be rotated (``events.jsonl.1``) and compressed (``events.jsonl.1.gz``)."""
COMPRESSED: Final = (".gz", ".zst")
"""Ends of the names of compressed logs."""

_MARKER_LOGS: Final = (EVENTS, METRICS)
_LOG_PART = re.compile(rf"({'|'.join(map(re.escape, LOGS))})(?:\.(0|[1-9]\d{{0,3}}))?(\.gz|\.zst)?", re.ASCII)
_STEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RUN_NAME = re.compile(
    r"(?:run|compile)_(\d{10,})\Z|(\d{4})-?(\d\d)-?(\d\d)t(\d\d)-?(\d\d)-?(\d\d)z_", re.IGNORECASE
)


class LogPart(NamedTuple):
    """The name of a file that contains a log or a part of it.

    Attributes:
        log: the name of the whole log.
        age: the number of a rotated part, higher for older ones; -1 for the part that is written.
        suffix: ``.gz`` or ``.zst``; empty if the part is not compressed.
    """

    log: str
    age: int
    suffix: str


def parse_log_part(name: str) -> LogPart | None:
    """Return the log that a file in a run directory contains, or None if it is not a log."""
    match = _LOG_PART.fullmatch(name)
    return None if match is None else LogPart(match[1], int(match[2] or -1), match[3] or "")


def log_parts(log: str, names: Collection[str]) -> tuple[str, ...]:
    """Return the files of a directory that make up a log, the oldest first; of a plain and a compressed copy the plain one."""
    by_age: dict[int, tuple[str, str]] = {}
    for name in names:
        part = parse_log_part(name) if name.startswith(log) else None
        if part is not None and part.log == log:
            by_age[part.age] = min(by_age.get(part.age, (part.suffix, name)), (part.suffix, name))
    return tuple(name for _, (_, name) in sorted(by_age.items(), reverse=True))


def is_marker(name: str) -> bool:
    """Return True if a directory with this entry is a run; the log may be compressed or rotated."""
    if name in RUN_MARKER_FILES:
        return True
    part = parse_log_part(name) if name.startswith(_MARKER_LOGS) else None
    return part is not None and part.log in _MARKER_LOGS


def is_safe_name(name: str) -> bool:
    """Return True if ``name`` can be a step id: a file name without path separators or ``..``."""
    return _STEP_ID.fullmatch(name) is not None and ".." not in name


def run_name(epoch_ms: int) -> str:
    """Return the directory name of a run by its start in ms since 1970."""
    return f"run_{epoch_ms}"


def compile_name(epoch_ms: int) -> str:
    """Return the directory name of a compile by its start in ms since 1970."""
    return f"compile_{epoch_ms}"


def config_path(step: str) -> str:
    """Return the path of a step's configuration."""
    return f"cfg/{_checked_step_id(step)}.json"


@lru_cache(1024)
def artifacts_dir(step: str) -> str:
    """Return the path of a step's artifact directory."""
    return f"artifacts/{_checked_step_id(step)}"


def spill_path(step: str, key: str = FRAME_KEY) -> str:
    """Return the path of the spilled frame that a step returned under ``key``."""
    name = "output" if key == FRAME_KEY else _file_stem(key)
    return f"{artifacts_dir(step)}/{name}.parquet"


def schema_path(step: str, key: str = FRAME_KEY) -> str:
    """Return the path of the schema file, whose presence commits a spilled frame."""
    return f"{artifacts_dir(step)}/{'' if key == FRAME_KEY else _file_stem(key) + '.'}schema.json"


def spill_files(step: str, key: str = FRAME_KEY) -> tuple[str, ...]:
    """Return the paths of a spilled frame: Parquet file, schema file and, which most frames lack, hidden columns."""
    stem = "" if key == FRAME_KEY else _file_stem(key) + "."
    return spill_path(step, key), schema_path(step, key), f"{artifacts_dir(step)}/{stem}index.parquet"


def cleaned_config_path(step: str) -> str:
    """Return the path of the configuration that a driver received, secrets masked."""
    return f"{artifacts_dir(step)}/cleaned_config.json"


def rejected_rows_path(step: str) -> str:
    """Return the path of the file with the rows that a step left out."""
    return f"{artifacts_dir(step)}/{REJECTED_ROWS}"


def failed_checks_path(step: str) -> str:
    """Return the path of the failed checks of a step, with offending rows."""
    return f"{artifacts_dir(step)}/failed_checks.json"


def is_relative_and_safe(relative: str) -> bool:
    """Return True if a relative path stays inside the directory it is joined to."""
    return not relative.startswith("/") and ".." not in relative.split("/") and "\0" not in relative


def parse_start_ms(name: str) -> int | None:
    """Return a run's start in ms since 1970 by its directory name, None if the name has no time."""
    match = _RUN_NAME.match(name)
    if match is None:
        return None
    if match[1]:
        return int(match[1])
    return _utc_ms("".join(match.groups()[1:]))


def _file_stem(key: str) -> str:
    """Return a file name without dots for a key of a result, other than those of the frame under ``df``."""
    stem = quote(key, safe="").replace(".", "%2E") or "%"
    return f"%{ord(stem[0]):02X}{stem[1:]}" if stem in ("output", "index", "schema") else stem


def _utc_ms(digits: str) -> int | None:
    from datetime import UTC, datetime

    try:
        return int(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None


def _checked_step_id(step: str) -> str:
    if not is_safe_name(step):
        raise UnsafePath(f"step id {step!r} is not a file name; use letters, digits, '.', '_' and '-'")
    return step
