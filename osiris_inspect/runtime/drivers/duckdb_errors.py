"""Errors of DuckDB: the kind by the class of the exception, the line in the query, the tables and their columns."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from osiris_inspect.base.error_codes import http_error_kind
from osiris_inspect.base.near_names import suggestion
from osiris_inspect.base.sql_literals import quote_text
from osiris_inspect.base.text.text_formats import text_format
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.manifest import input_name
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.drivers.interface.frame_columns import delimiter_of_header, delimiter_setting
from osiris_inspect.runtime.files.memory_limit import MemoryLimit, size_text
from osiris_inspect.runtime.frames.conversion.natural import NO_FORM_FIX
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.pipeline.sql.tables import hyphenated_table

Tables = Mapping[str, ResolvedInput]
"""The inputs by the table names that SQL can use."""

_MAX_COLUMNS: Final = 50
"""Columns of an input that a message shows."""
_AT_LINE: Final = " at the line that the message names"
_QUERY: Final = f"correct the query{_AT_LINE}"
_SQL: Final = f"correct the SQL{_AT_LINE}"
_VALUE: Final = "correct the value at its source, or use TRY_CAST, which returns NULL for it"
_COMPARED: Final = "cast one side to the type of the other; a CSV column with leading zeros is text unless its extractor sets dtype"
_READ_FILE: Final = "correct the path, or read the file with an extractor step, which a sandbox allows"
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "ParserException": ("sql-syntax", _SQL),
    "SyntaxException": ("sql-syntax", _SQL),
    "BinderException": ("query-failed", _QUERY),
    "CatalogException": ("query-failed", _QUERY),
    "ConversionException": ("value-not-convertible", _VALUE),
    "OutOfRangeException": ("value-not-convertible", "cast the column to a larger type"),
    "TypeMismatchException": ("value-not-convertible", "cast the value to the type that the message names"),
    "ConstraintException": ("constraint-violated", "deduplicate or correct the rows before the statement"),
    "InterruptException": ("query-cancelled", "run the step again"),
    "OutOfMemoryException": ("out-of-memory", "read less in one statement"),
    "IOException": ("file-unreadable", "check the file and its disk"),
    "PermissionException": ("permission-denied", "remove the statement that is not allowed"),
    "ConnectionException": ("connection-failed", "check the address that the query names"),
}
"""Class of the exception to its kind and what to do."""
_TEXTS: Final[tuple[tuple[str, str, str], ...]] = (
    ("which has no form outside pandas", "value-not-convertible", NO_FORM_FIX),
    ("which SQL cannot hand on", "value-not-convertible", "cast the column to VARCHAR in the query"),
    ("which SQL cannot represent", "value-not-convertible", "round it in an earlier step"),
    ("disabled by configuration", "query-reads-files", "set allow_external: true if this SQL is to read or write files"),
    ("configuration has been locked", "query-failed", "set memory_limit or threads in the step instead"),
    ("No files found", "file-missing", _READ_FILE),
    ("No such file or directory", "file-missing", _READ_FILE),
    ("Permission denied", "permission-denied", "give the user that runs the step the right to the file"),
    ("No space left on device", "disk-full", "free disk space"),
    ("failed to offload data block", "disk-full", "free disk space"),
    ("Could not set lock", "lock-conflict", "end the process that has the file open"),
    ("No magic bytes found", "file-format-wrong", "name a Parquet file, or read it with the function of its format"),
    ("CSV Error on Line", "csv-ragged", "check delim and quote of read_csv"),
    ("Failed to download extension", "dependency-missing", "remove the statement that needs the extension"),
    ("Could not parse string", "value-not-convertible", "correct the format, or use try_strptime, which returns NULL for such a value"),
    ("More than one row returned by a subquery", "query-failed", "make the subquery return one row, for example with an aggregate"),
    ("Cannot compare values of type", "query-failed", _COMPARED),
    ("No function matches", "query-failed", "cast the arguments to types that the function takes"),
)  # fmt: skip
"""Phrases of DuckDB that say more than the class; the first that an error contains counts."""
_COLUMN: Final = re.compile(
    r'Referenced column "(?P<a>[^"\n]{1,200})" not found'
    r'|does not have a column named "(?P<b>[^"\n]{1,200})"'
    r'|Column "(?P<c>[^"\n]{1,200})" does not exist'
)
_TABLE: Final = re.compile(r'Table with name "?([^"\s]{1,200})"? does not exist')
_ALIAS: Final = re.compile(r'Referenced table "([^"\n]{1,200})" not found')
_OWN_SUGGESTION: Final = re.compile(r"^Did you mean [^\n]{0,200}\n?", re.MULTILINE)
"""DuckDB suggests tables of its own catalog."""
_LINE: Final = re.compile(r"^LINE (\d{1,9}):", re.MULTILINE)
_REMEDIES: Final = re.compile(
    r"\n\tCandidate functions:(?:\n\t[^\n]{0,1000}){0,200}"
    r"|\nPossible solutions:(?:\n[^\n]{0,1000}){0,20}"
    r'|\nUse "SET scalar_subquery_error_on_multiple_rows=false"[^\n]{0,200}'
)
"""Long lists, and settings that a step cannot have or that hide the error."""
_FILE: Final = re.compile(r"(?:pattern|file) [\"']([^\"'\n]{1,500})[\"']")
_REFUSED: Final = re.compile(
    r"column '([^'\n]{1,200})' contains [^\n]{1,200}, which (?:has no form outside|SQL cannot)"
)
_STATUS: Final = re.compile(r"\bHTTP[^\n\d]{0,40}([1-5]\d\d)\b")


class _Reading(NamedTuple):
    """An error as read: what to add to its text, its kind, what to do, and its values."""

    kind: str
    fix: str
    error_facts: Mapping[str, Any]
    addition: str = ""


_REFUSED_BY_PROCESS: Final = "bad allocation"


class MemoryUse(NamedTuple):
    """Memory that the process may use, and the part of it that DuckDB got; None if DuckDB was not limited."""

    limit: MemoryLimit
    duckdb_bytes: int | None


def query_error(
    error: Exception,
    tables: Tables,
    config: Config,
    other_steps: Sequence[str] = (),
    memory: MemoryUse | None = None,
) -> DriverError:
    """Return the error for an exception of DuckDB; ``other_steps`` are the ids of the pipeline's other steps."""
    text = _REMEDIES.sub("", re.sub(r"\n{2,}", "\n", str(error).strip()))
    reading = _read(error, text, tables, config, other_steps)
    is_of_process = not config.get("memory_limit") or _REFUSED_BY_PROCESS in text
    if reading.kind == "out-of-memory" and memory is not None and is_of_process:
        reading = _out_of_memory(memory)
    if reading.kind == "table-missing":
        text = _OWN_SUGGESTION.sub("", text).rstrip()
    line = _LINE.search(text)
    position = f"in line {line[1]} of its query, " if line else ""
    end = line.start() - 1 if line else len(text)  # the excerpt of the query stays at the end
    return DriverError(
        f"DuckDB transformation failed: {position}{text[:end]}{reading.addition}{text[end:]}",
        kind=reading.kind,
        fix=reading.fix if line else reading.fix.replace(_AT_LINE, ""),
        **({"line": int(line[1])} if line else {}),
        **reading.error_facts,
    )


def _out_of_memory(memory: MemoryUse) -> _Reading:
    limit, size = memory
    addition = f"; the limit of the process is {limit.text}" if limit.is_set else ""
    if size is not None:
        addition = f"; DuckDB could use {size_text(size)} of the limit of {limit.text}, half of what was free"
    return _Reading(
        "out-of-memory",
        f"{limit.fix}, or read less in one statement",
        {**limit.facts(), "duckdb_bytes": size},
        addition,
    )


def _read(
    error: Exception, text: str, tables: Tables, config: Config, other_steps: Sequence[str]
) -> _Reading:
    column, table, alias = _COLUMN.search(text), _TABLE.search(text), _ALIAS.search(text)
    if column is not None:
        return _column_missing(_first_group(column), tables, str(config.get("query") or ""))
    if table is not None:
        return _table_missing(table[1], tables, other_steps)
    if alias is not None:
        return _Reading("table-missing", "use a table or an alias of the FROM clause", {"table": alias[1]})
    name = type(error).__name__
    if name == "HTTPException":
        status = _STATUS.search(text)
        kind = http_error_kind(int(status[1])) if status else "connection-failed"
        status_facts = {"http_status": int(status[1])} if status else {}
        return _Reading(kind, "check the URL in the query and its service", status_facts)
    kind, fix = next(((kind, fix) for words, kind, fix in _TEXTS if words in text), _KINDS.get(name, _OTHER))
    if kind == "out-of-memory" and config.get("memory_limit"):
        limit = {"setting": "memory_limit", "value": str(config["memory_limit"])}
        return _Reading(kind, "raise memory_limit, or read less in one statement", limit)
    fact, pattern = ("path", _FILE) if kind.startswith("file-") else ("column", _REFUSED)
    found = pattern.search(text)
    hint = hyphenated_table(str(config.get("query") or ""), tables) if kind == "sql-syntax" else ""
    if "No function matches" in text:
        hint = _marked_call(text)
    return _Reading(kind, fix, {fact: found[1]} if found else {}, hint)


_OTHER: Final = ("query-failed", "correct the query or the data that the message names")


def _marked_call(text: str) -> str:
    """Return the call that DuckDB marks with ``^`` in the line of the query that it shows; empty without one."""
    excerpt, _, marks = text.rpartition("\n")
    call = excerpt.rpartition("\n")[2][marks.find("^") : len(marks.rstrip())]
    return f" The call is {call}" if call.endswith(")") and set(marks.strip()) == {"^"} else ""


def _column_missing(column: str, tables: Tables, query: str) -> _Reading:
    inputs = {resolved.input_ref.from_step: resolved.column_names for resolved in tables.values()}
    for step, names in inputs.items():
        columns = list(names.values())
        form = text_format(columns[0]) if columns else None
        if form is not None:
            return _Reading(
                "file-format-wrong",
                f"{form.fix} (step {step!r} read it)",
                {"column": column, "columns": columns, "from_step": step, "format": form.name},
                f"; step {step!r} read {form.description}, not a table: its first column is {columns[0]!r}",
            )
        if columns and columns == [str(number) for number in range(len(columns))]:
            return _Reading(
                "column-missing",
                f"set header: true in step {step!r} if its file has a header, or name the columns there",
                {"column": column, "columns": list(names), "from_step": step},
                f"; the columns of step {step!r} have no names, only numbers: {_listed(names)}",
            )
        delimiter = delimiter_of_header(columns, [column])
        if delimiter is not None:
            return _Reading(
                "delimiter-wrong",
                f"set {delimiter_setting(delimiter)} in step {step!r}, which read its file as one column",
                {"column": column, "columns": columns, "from_step": step, "found_delimiter": delimiter},
                f"; the only column of step {step!r} is {columns[0]!r}",
            )
    known = list(dict.fromkeys(name for names in inputs.values() for name in names))
    listed = "; ".join(f"step {step!r} has {_listed(names)}" for step, names in inputs.items())
    return _Reading(
        "column-missing",
        suggestion(column, known, _unknown_column_fix(column, query)),
        {"column": column, "columns": known},
        f"; {listed}" if listed else "",
    )


def _unknown_column_fix(column: str, query: str) -> str:
    if f'"{column}"' in query:  # SQL reads a text in double quotes as a name
        return f"write {quote_text(column)} in single quotes if it is a text, or use a column of the tables"
    return "use a column that the tables of the query have"


def _table_missing(table: str, tables: Tables, other_steps: Sequence[str]) -> _Reading:
    needed = {resolved.input_ref.from_step for resolved in tables.values()}
    unneeded = [step for step in other_steps if step not in needed]
    step = next((step for step in unneeded if _names_step(table, step)), None)
    otherwise = "use one of these tables" if tables else "name the step that has the rows in needs"
    fix = (
        suggestion(table, tuple(tables), otherwise) if step is None else f"add {step!r} to needs of the step"
    )
    return _Reading(
        "table-missing",
        fix,
        {"table": table, "tables": list(tables), **({"missing_need": step} if step else {})},
        f"; step {step!r} exists, but is not in needs" * (step is not None)
        + f"; tables here: {', '.join(tables) or 'none'}",
    )


def _names_step(table: str, step: str) -> bool:
    """Return True if a table has the name of a step, or the one that its frame would have."""
    return table.lower() in (step.lower(), input_name(step).lower())


def _listed(names: Mapping[str, str]) -> str:
    """Return the columns of an input: ``id, c1 (in the frame: 'ID')``."""
    texts = [
        name if label == name else f"{name} (in the frame: {label!r})"
        for name, label in islice(names.items(), _MAX_COLUMNS)
    ]
    return ", ".join(texts) + ", …" * (len(names) > _MAX_COLUMNS)


def _first_group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)
