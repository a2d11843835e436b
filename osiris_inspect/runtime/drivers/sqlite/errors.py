"""Errors of SQLite: the reason, what to do, and the kind by the code or the message."""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import Phase, fix_of_kind
from osiris_inspect.runtime.drivers.interface.file_format import extractor_fix, recognized_format

_PRIMARY_CODE: Final = 0xFF
"""Bits of an extended result code that are its primary one."""
_KINDS: Final[Mapping[int, str]] = {
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), "lock-conflict"),
    sqlite3.SQLITE_NOMEM: "out-of-memory",
    sqlite3.SQLITE_INTERRUPT: "query-cancelled",
    **dict.fromkeys(
        (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR), "file-unreadable"
    ),
    sqlite3.SQLITE_FULL: "disk-full",
    **dict.fromkeys((sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG), "value-refused"),
    sqlite3.SQLITE_CONSTRAINT: "constraint-violated",
    sqlite3.SQLITE_READONLY: "database-read-only",
    sqlite3.SQLITE_NOTADB: "file-format-wrong",
}
"""Primary code to the kind of the error."""
_FIXES: Final[Mapping[str, str]] = {
    "database-read-only": "give the user that runs the step the right to write the file and its folder, where SQLite keeps a journal",
    "disk-full": "free disk space, or write to another disk",
    "file-unreadable": "check the disk and the right to read the file; "
    "if both are in order, run PRAGMA integrity_check and restore the file from a backup",
    "lock-conflict": "end the program that writes the file, or raise lock_timeout",
    "out-of-memory": "raise the memory limit, or read less in one query",
}
_UNUSABLE_FIX: Final = "write one SELECT"
_MESSAGES: Final = (
    (re.compile(r"no such table: (?:\w+\.)?(?P<table>[^\n]{1,200})"), "table-missing", None),
    (re.compile(r"no such column: (?P<column>[^\n]{1,200})"), "column-missing", None),
    (re.compile(r"syntax error|incomplete input|unrecognized token"), "sql-syntax", None),
    (re.compile(r"one statement at a time|cannot VACUUM"), "query-result-unusable", _UNUSABLE_FIX),
    (
        re.compile(r"number of bindings|did not supply a value for binding"),
        "sql-syntax",
        "write the values into the query; ?, :name, @name and $name are placeholders",
    ),
    (
        re.compile(r"too many attached databases"),
        "query-reads-files",
        "read the other file with an extractor in a step of its own",
    ),
)
"""Pattern of a message, kind, and what to do if that is more than for its kind."""


def sqlite_error(error: sqlite3.Error, phase: Phase, path: Path, tables: Iterable[str] = ()) -> DriverError:
    """Return the error for a statement that failed; ``tables`` are the names that the file has."""
    text = str(error) or type(error).__name__
    kind, fix, facts = _kind(error, text, phase)
    if kind == "file-format-wrong":
        return not_sqlite(path)
    if kind == "table-missing" and phase == "querying":
        known = list(tables)
        fix = suggestion(str(facts["table"]), known, _tables_fix(known))
    verb = "query" if phase == "querying" else "write"
    return DriverError(
        f"SQLite {verb} failed: {path}: {text}",
        kind=kind,
        fix=fix or _FIXES.get(kind) or fix_of_kind(kind, phase),
        code=getattr(error, "sqlite_errorname", None),
        phase=phase,
        path=str(path),
        **facts,
    )


def not_sqlite(path: Path) -> DriverError:
    """Return the error for a file of another format."""
    form = recognized_format(path)
    is_other = form is not None and form.name != "sqlite"
    reason = (
        f"it is {form.description}"
        if form is not None and is_other
        else "it is encrypted, damaged or another kind of file"
    )
    return DriverError(
        f"{path} is not a SQLite database: {reason}",
        kind="file-format-wrong",
        fix=extractor_fix(path, form if is_other else None, "SQLite"),
        path=str(path),
        format=form.name if form is not None and is_other else None,
    )


def _kind(error: sqlite3.Error, text: str, phase: Phase) -> tuple[str, str | None, dict[str, Any]]:
    code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code == sqlite3.SQLITE_READONLY and phase == "querying" and "readonly database" in text:
        return "query-result-unusable", f"{_UNUSABLE_FIX}; the extractor opens the file read-only", {}
    if code in _KINDS:
        return _KINDS[code], None, {}
    for pattern, kind, fix in _MESSAGES:
        if (match := pattern.search(text)) is not None:
            return kind, fix, match.groupdict()
    return "query-failed", None, {}


def _tables_fix(known: list[str]) -> str:
    return (
        f"the file has {', '.join(known[:10])}{', …' * (len(known) > 10)}"
        if known
        else "the file has no tables"
    )
