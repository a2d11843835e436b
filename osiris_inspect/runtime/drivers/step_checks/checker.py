"""Checks a frame in DuckDB, in memory and spilled alike, without loading it as a whole.

A frame in memory is read as a stream by each query. The queries see no files, no network and no other frame.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import orjson

from osiris_inspect.base.check_results import CheckResult, describe_failures
from osiris_inspect.base.sql_literals import quote_name, quote_text
from osiris_inspect.model.errors import DriverError
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.drivers.duckdb import shifted_lines
from osiris_inspect.runtime.drivers.duckdb_errors import query_error
from osiris_inspect.runtime.drivers.duckdb_options import open_database, restrict_files
from osiris_inspect.runtime.drivers.step_checks.conditions import (
    CheckedColumn,
    PlannedCheck,
    plan_checks,
)
from osiris_inspect.runtime.files.memory_limit import current_limit
from osiris_inspect.runtime.frames.conversion.natural import natural_of, sql_expression
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.protocol.cancellation import CancelToken

MAX_SAMPLE_ROWS: Final = 20
"""Offending rows of a check that are kept."""
MAX_TEXT_CHARS: Final = 1_000
"""Characters of a text that are kept of an offending row."""
MAX_MEMORY_BYTES: Final = 1_000_000_000
"""Memory of the queries; what exceeds it is written to a temporary directory."""
_MIN_MEMORY_BYTES: Final = 50_000_000
_STREAM: Final = "\x01stream"
_FRAME: Final = '"\x01frame"'
"""View of the frame as it is stored, also of columns without a natural form."""
_QUERY: Final = '"\x01query"'
_ROW: Final = '"\x01row"'


@dataclass(frozen=True, slots=True)
class CheckedFrame:
    """Results of the checks of a frame.

    Attributes:
        samples: for each result up to ``MAX_SAMPLE_ROWS`` offending rows: ``row``, from 1, and ``values``.
    """

    results: tuple[CheckResult, ...]
    samples: tuple[tuple[Mapping[str, Any], ...], ...]

    def failures_json(self, redactor: Redactor) -> bytes:
        """Return the content of ``failed_checks.json``: each failed check, secrets masked, and its offending rows."""
        failed = [
            {**redactor.redact_value(result.to_fields()), "offending_rows": sample}
            for result, sample in zip(self.results, self.samples, strict=True)
            if not result.passed
        ]
        return orjson.dumps({"checks": failed}, option=orjson.OPT_INDENT_2)


def check_frame(
    checks: Mapping[str, Any], resolved: ResolvedInput, temp_dir: Path, cancel: CancelToken
) -> CheckedFrame:
    """Return the results of the checks of a manifest.

    Raises:
        DriverError: a check cannot be carried out: the frame lacks its column or has another type, or its SQL fails.
    """
    on_failure = checks.get("on_failure", "fail")
    found: list[tuple[CheckResult, tuple[Mapping[str, Any], ...]]] = []
    limits = checks.get("rows")
    if limits:
        is_met = limits.get("min", 0) <= resolved.rows <= limits.get("max", resolved.rows)
        found.append((CheckResult("rows", (), dict(limits), resolved.rows, None, is_met, on_failure), ()))
    if set(checks) <= {"rows", "on_failure"}:
        return CheckedFrame((found[0][0],), ((),))
    try:
        with _session(resolved, temp_dir, cancel) as connection:
            columns = _columns(connection, resolved)
            planned = list(plan_checks(checks, columns))
            for check, failed in zip(planned, _failed_rows(connection, planned), strict=True):
                if check.refusal and failed:
                    raise _refused(check)
                result = CheckResult(
                    check.check, check.names, check.expected, resolved.rows, failed, not failed, on_failure
                )
                found.append((result, _sample(connection, check, columns) if failed else ()))
            for number, query in enumerate(checks.get("sql", ()), start=1):
                failed, sample = _run_query(connection, query, number, resolved)
                result = CheckResult("sql", (), query, resolved.rows, failed, not failed, on_failure)
                found.append((result, sample))
    except duckdb.Error as error:
        raise _named(query_error(error, {}, {}), "check the frame") from error
    return CheckedFrame(tuple(result for result, _ in found), tuple(sample for _, sample in found))


def failed_error(step_id: str, results: Sequence[CheckResult], artifact: str) -> DriverError:
    """Return the error of a step whose frame does not meet its checks; ``artifact`` has the offending rows."""
    failed = [result for result in results if not result.passed]
    first = failed[0]
    return DriverError(
        f"step {step_id!r} {describe_failures(results)}",
        kind="check-failed",
        fix=f"look at the rows in {artifact}, then correct the data or the check",
        check=first.check,
        column=", ".join(first.columns) or None,
        failed_rows=first.failed_rows,
        rows=first.rows,
        checks_failed=len(failed),
        path=artifact,
    )


class _Rescannable:
    """Stored frame that DuckDB can read several times, a new stream each time."""

    def __init__(self, resolved: ResolvedInput) -> None:
        self._resolved = resolved
        self._schema = resolved.stored_batches(1).schema

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        del requested_schema  # a consumer may ask for other types; none does
        return self._resolved.stored_batches().__arrow_c_stream__()


@contextmanager
def _session(
    resolved: ResolvedInput, temp_dir: Path, cancel: CancelToken
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection with the view ``df`` of the frame in natural form, and nothing else to read."""
    with open_database(temp_dir) as connection, cancel.on_cancel(connection.interrupt):
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET memory_limit = '{_memory_bytes()}B'")
        if resolved.parquet_path is None:
            connection.register(_STREAM, _Rescannable(resolved))
            source = quote_name(_STREAM)
        else:
            source = f"read_parquet({quote_text(str(resolved.parquet_path))}, hive_partitioning = false)"
        connection.execute(f"CREATE TEMP VIEW df AS SELECT {resolved.sql_columns} FROM {source}")  # noqa: S608  all are quoted
        connection.execute(f"CREATE TEMP VIEW {_FRAME} AS SELECT * FROM {source}")  # noqa: S608  all are quoted
        restrict_files(connection, [resolved.parquet_path] if resolved.parquet_path is not None else [])
        yield connection


def _memory_bytes() -> int:
    """Return the memory of the queries: half of what the process may still take, if its memory is limited."""
    limit = current_limit()
    if not limit.is_set:
        return MAX_MEMORY_BYTES
    return max(_MIN_MEMORY_BYTES, min(MAX_MEMORY_BYTES, limit.free_bytes() // 2))


def _columns(connection: duckdb.DuckDBPyConnection, resolved: ResolvedInput) -> list[CheckedColumn]:
    described = connection.execute("DESCRIBE df").fetchall()
    names = {name: _valid_text(own) for name, own in resolved.column_names.items()}
    columns = []
    for field, (physical, kind, *_) in zip(
        resolved.fields, described, strict=False
    ):  # none: rows are counted
        natural = natural_of(field)
        type_name = natural.reason if natural.kind == "none" else kind
        columns.append(CheckedColumn(names[physical], physical, type_name, natural, sql_expression(field)))
    return columns


def _valid_text(name: str) -> str:
    """Return a name with surrogates, which JSON cannot represent, as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _failed_rows(connection: duckdb.DuckDBPyConnection, planned: list[PlannedCheck]) -> list[int]:
    """Return the failed rows of each check: those of keys one by one, all others in one pass."""
    single = [check for check in planned if check.check != "unique"]
    counts: Iterator[int] = iter(())
    if single:
        selected = ", ".join(f"count(*) FILTER (WHERE {check.condition})" for check in single)
        counts = iter(connection.execute(f"SELECT {selected} FROM {_FRAME}").fetchone() or ())  # noqa: S608  all are quoted
    return [
        _repeated_rows(connection, check) if check.check == "unique" else next(counts) for check in planned
    ]


def _repeated_rows(connection: duckdb.DuckDBPyConnection, check: PlannedCheck) -> int:
    row = connection.execute(
        f"SELECT coalesce(sum(n), 0)::BIGINT FROM ({_repeated_keys(check, 'count(*) AS n')})"  # noqa: S608  all are quoted
    ).fetchone()
    return int(row[0]) if row else 0


def _repeated_keys(check: PlannedCheck, selected: str) -> str:
    key = ", ".join(column.stored for column in check.columns)
    return f"SELECT {selected} FROM {_FRAME} WHERE {check.condition} GROUP BY {key} HAVING count(*) > 1"  # noqa: S608  all are quoted


def _sample(
    connection: duckdb.DuckDBPyConnection, check: PlannedCheck, columns: Sequence[CheckedColumn]
) -> tuple[Mapping[str, Any], ...]:
    """Return the first offending rows in the order of the frame."""
    condition = check.condition
    if check.check == "unique":
        keys = ", ".join(column.stored for column in check.columns)
        condition += f" AND ({keys}) IN ({_repeated_keys(check, keys)})"
    selected = ", ".join([_ROW, *(column.json for column in columns)])
    rows = connection.execute(
        f"SELECT {selected} FROM (SELECT row_number() OVER () AS {_ROW}, * FROM {_FRAME})"  # noqa: S608  all are quoted
        f" WHERE {condition} ORDER BY {_ROW} LIMIT {MAX_SAMPLE_ROWS}"
    ).fetchall()
    own = [column.name for column in columns]
    names = own if len(set(own)) == len(own) else [column.physical for column in columns]
    return tuple({"row": number, "values": _values(names, cells)} for number, *cells in rows)


def _run_query(
    connection: duckdb.DuckDBPyConnection, query: str, number: int, resolved: ResolvedInput
) -> tuple[int, tuple[Mapping[str, Any], ...]]:
    """Return how many rows a query returns, and the first of them."""
    try:
        with shifted_lines(-1):
            connection.execute(f"CREATE OR REPLACE TEMP VIEW {_QUERY} AS\n{query}")
        relation = connection.table(_QUERY)
        count = int(relation.aggregate("count(*)").fetchall()[0][0])
        if not count:
            return 0, ()
        rows = relation.limit(MAX_SAMPLE_ROWS).project("to_json(COLUMNS(*))").fetchall()
    except duckdb.Error as error:
        raise _named(query_error(error, {"df": resolved}, {}), f"run sql check {number}") from error
    return count, tuple({"row": None, "values": _values(relation.columns, cells)} for cells in rows)


def _values(names: list[str], cells: Any) -> dict[str, Any]:
    return {name: _value(cell) for name, cell in zip(names, cells, strict=True)}


def _value(cell: str | None) -> Any:
    """Return a cell in JSON: numbers with all their digits, NaN as text, long texts shortened."""
    if cell is None:
        return None
    return _shortened(
        json.loads(cell, parse_float=orjson.Fragment, parse_int=orjson.Fragment, parse_constant=str)
    )


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT_CHARS:
        return f"{value[:MAX_TEXT_CHARS]}… ({len(value) - MAX_TEXT_CHARS:,} more characters)"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value


def _refused(check: PlannedCheck) -> DriverError:
    (column,) = check.columns
    return DriverError(
        f"cannot check {check.check} of column {column.name!r}: its type is {column.kind}, and {check.refusal}",
        kind="config-value-invalid",
        fix="cast the column in the step, or correct the check",
        check=check.check,
        column=column.name,
        type=column.kind,
    )


def _named(error: DriverError, action: str) -> DriverError:
    reason = error.message.removeprefix("DuckDB transformation failed: ")
    return DriverError(f"cannot {action}: {reason}", kind=error.kind, fix=error.fix, **error.facts)
