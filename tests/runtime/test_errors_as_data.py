"""Errors of drivers and frames are data: each has a known kind, a fix and facts, whatever fails."""

import ast
import bz2
import gzip
import io
import lzma
import os
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris_inspect.base import error_codes
from osiris_inspect.model import errors
from osiris_inspect.model.error_info import ERROR_KINDS
from osiris_inspect.model.errors import DriverError, OsirisError
from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.drivers import connection_test, duckdb_errors
from osiris_inspect.runtime.drivers.interface import database, file_format, file_paths
from osiris_inspect.runtime.drivers.interface.driver import errors_name_step
from osiris_inspect.runtime.drivers.postgres import connect as postgres_connect
from osiris_inspect.runtime.drivers.postgres.errors import sqlstate_fix, sqlstate_kind
from osiris_inspect.runtime.drivers.sqlite import errors as sqlite_errors
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.transport.e2b import errors as e2b_errors
from tests.runtime.driving import context, drive, handed

RUNTIME = Path(errors.__file__).parents[1] / "runtime"
CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, OsirisError)
}
GENERAL_KINDS = {"internal-error", "driver-raised"}
COPIED_KINDS: Mapping[str, str] = {
    "drivers/csv/read_errors.py:read_error": "kinds of _other_error",
    "drivers/csv/read_errors.py:_file_error": "the kind of wrong_format_error",
    "drivers/duckdb_errors.py:query_error": "kinds of the tables of the module",
    "drivers/interface/driver.py:prefixed": "the kind of the error that it names",
    "worker/worker.py:_staged_output": "the kind of the error that the host found",
    "drivers/interface/file_format.py:unreadable_file": "the kind of the system error",
    "drivers/interface/file_paths.py:write_error": "the kind of the system error",
    "drivers/interface/writer_input.py:with_outcome": "the kind of the error that it completes",
    "drivers/mysql/errors.py:connect_error": "kinds of error_codes",
    "drivers/mysql/errors.py:query_error": "kinds of error_codes",
    "drivers/mysql/errors.py:setting_error": "a literal of each caller",
    "drivers/postgres/connect.py:_connect_error": "kinds of _REASONS",
    "drivers/postgres/copy_writer.py:write_error": "kinds of error_codes",
    "drivers/postgres/errors.py:query_error": "kinds of error_codes",
    "drivers/sqlite/errors.py:sqlite_error": "kinds of the tables of the module",
    "drivers/sqlite/writer.py:_missing_file": "the kind of the file that the extractor does not find",
    "drivers/sqlite/writer.py:error": "a literal of each caller",
    "drivers/step_checks/checker.py:_named": "the kind of the error of the query",
    "drivers/supabase/driver.py:_create_table": "kinds of error_codes",
    "drivers/supabase/rest_client.py:_setting_error": "a literal of each caller",
    "drivers/supabase/rest_errors.py:connection_error": "the kind of the failed request",
    "drivers/supabase/rest_writer.py:_failed": "the kind of the failed request",
    "drivers/supabase/rest_writer.py:_outcome_unknown": "the kind of the failed request",
    "drivers/supabase/rest_writer.py:_write_failed": "a literal of each caller, or the kind of the failed request",
    "frames/spill/spill_file.py:write_spill": "the kind of memory_error",
    "frames/store.py:_store_stream": "the kind of the failed spill",
    "frames/store.py:stream_error": "the kind of the error in the stream",
    "proxy/artifact_download.py:_lost": "the kind of the error that interrupted the download",
    "proxy/failures.py:cannot_create_run": "the kind of the system error",
    "transport/e2b/transport.py:start": "the kind of the sandbox's error",
    "transport/stdio.py:start": "the kind of the system error",
    "transport/worker_exit.py:error": "the kind of the exit status",
    "frames/driver_result.py:missing_frame_error": "whether a frame is missing or is another value",
    "replay/shrink/failure_test.py:_run": "the kind of the worker's answer",
}
"""Functions that pass on a kind, and where it comes from."""
CODE_OF_OTHERS = {"frames/store.py:stream_error": "the stream of a third-party driver raised any exception"}
"""Functions whose error has the general kind of a driver, and why."""

VERBS = frozenset(
    [
        "add",
        "allow",
        "cast",
        "replay",
        "resume",
        "check",
        "choose",
        "close",
        "compile",
        "connect",
        "convert",
        "correct",
        "create",
        "deduplicate",
        "delete",
        "end",
        "exclude",
        "expose",
        "fill",
        "find",
        "free",
        "give",
        "grant",
        "install",
        "join",
        "leave",
        "let",
        "look",
        "lower",
        "make",
        "move",
        "name",
        "pass",
        "raise",
        "read",
        "recreate",
        "remove",
        "rename",
        "repair",
        "restart",
        "restore",
        "retry",
        "round",
        "run",
        "save",
        "select",
        "send",
        "set",
        "shorten",
        "start",
        "stop",
        "try",
        "uninstall",
        "unlock",
        "upgrade",
        "use",
        "wait",
        "write",
    ]
)
"""Verbs that a fix can begin with."""
WITHOUT_FIX = {
    "frames/store.py:resolve": "the message lists every place that was searched",
    "worker/worker.py:_load_config": "the host wrote this file; a user cannot correct it",
}
"""Functions whose errors have no fix, and why."""


def _functions() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(RUNTIME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(RUNTIME).as_posix()}:{node.name}", node


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for name, function in _functions():
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                yield name, node


CALLS = list(_calls())


def _literals(node: ast.expr) -> list[Any] | None:
    """Return the values that an expression can have; None if they are not literals."""
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.IfExp):
        sides = [_literals(node.body), _literals(node.orelse)]
        return None if None in sides else [value for side in sides if side for value in side]
    return None


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[f"{name}:{call.lineno}" for name, call in CALLS])
def test_each_error_has_a_kind_and_a_fix(name: str, call: ast.Call) -> None:
    assert isinstance(call.func, ast.Name)
    arguments = {keyword.arg: keyword.value for keyword in call.keywords}
    own_kind = CLASSES[call.func.id].kind
    if "kind" not in arguments:
        assert own_kind not in GENERAL_KINDS
        assert own_kind in ERROR_KINDS
    else:
        kinds = _literals(arguments["kind"])
        if kinds is None:
            assert name in COPIED_KINDS
        else:
            assert set(kinds) <= set(ERROR_KINDS)
            assert name in CODE_OF_OTHERS or not GENERAL_KINDS & set(kinds)
    if call.func.id == "DriverError" or name.startswith(("drivers/", "frames/")):
        assert "fix" in arguments or name in WITHOUT_FIX


def test_each_kind_that_a_driver_writes_is_known() -> None:
    kinds = {
        value
        for name, function in _functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and name.startswith("drivers/")
        for keyword in node.keywords
        if keyword.arg == "kind"
        for value in _literals(keyword.value) or ()
    }
    assert kinds
    assert kinds <= set(ERROR_KINDS)


def _fixes() -> Iterator[tuple[str, str]]:
    """Yield each literal that the runtime has as a fix, and the place of it."""
    for path in sorted(RUNTIME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for expression in _fix_expressions(node):
                for text in _text_starts(expression):
                    yield f"{path.relative_to(RUNTIME).as_posix()}:{expression.lineno}", text


def _fix_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the values of arguments and variables ``fix``, and of constants and tables of fixes."""
    if isinstance(node, ast.keyword) and node.arg == "fix":
        yield node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        name = node.target.id
        if isinstance(node.value, ast.Dict) and re.search("FIXES|ADVICE", name):
            yield from node.value.values
        elif isinstance(node.value, ast.Constant) and name.endswith("_FIX"):
            yield node.value
    if isinstance(node, ast.Assign):
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name_node, value in zip(names, values, strict=False):
                if isinstance(name_node, ast.Name) and name_node.id == "fix":
                    yield value


def _text_starts(node: ast.expr) -> Iterator[str]:
    """Yield the literal beginnings that a text can have."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text
        case ast.IfExp(body=body, orelse=otherwise):
            yield from _text_starts(body)
            yield from _text_starts(otherwise)
        case ast.BinOp(left=left):
            yield from _text_starts(left)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _text_starts(value)
        case ast.Call(func=ast.Name(id="suggestion"), args=[_, _, otherwise]):
            yield from _text_starts(otherwise)


FIX_LITERALS = list(_fixes())
FIX_TABLES = (
    *(fix for _, fix in duckdb_errors._KINDS.values()),
    *(fix for _, _, fix in duckdb_errors._TEXTS),
    *sqlite_errors._FIXES.values(),
    *(reason.fix for reason in postgres_connect._REASONS),
    *(failure.fix for failure in e2b_errors._FAILURES.values() if failure.fix),
)


@pytest.mark.parametrize(
    "fix", sorted({*FIX_TABLES, *(text for _, text in FIX_LITERALS if not text.startswith("did you mean"))})
)
def test_fix_begins_with_a_verb(fix: str) -> None:
    assert fix.split(maxsplit=1)[0].lower() in VERBS


def test_fixes_of_all_families_are_checked() -> None:
    folders = {place.split("/")[0] for place, _ in FIX_LITERALS}
    assert folders >= {
        "connections",
        "drivers",
        "frames",
        "pipeline",
        "protocol",
        "proxy",
        "sandbox",
        "transport",
    }
    assert len(FIX_LITERALS) > 150


def test_no_fact_has_the_name_of_a_secret() -> None:
    names = {keyword.arg for _, call in CALLS for keyword in call.keywords if keyword.arg}
    assert not set(filter(is_secret_key, names))


def test_lists_of_exceptions_name_functions_that_exist() -> None:
    names = {name for name, _ in CALLS}
    assert names >= CODE_OF_OTHERS.keys()
    assert names >= COPIED_KINDS.keys() | WITHOUT_FIX.keys()


def test_tables_of_kinds_have_known_kinds() -> None:
    kinds = [
        *error_codes.ERROR_KINDS_BY_CLASS.values(),
        *(family.kind for family in error_codes.CODE_FAMILIES.values()),
        *error_codes._KINDS_BY_STATUS.values(),
        *database.FIXES,
        *(kind for kind, _ in duckdb_errors._KINDS.values()),
        *(kind for _, kind, _ in duckdb_errors._TEXTS),
        *file_format._READ_FIXES,
        *file_paths._WRITE_FIXES,
    ]
    assert set(kinds) <= set(ERROR_KINDS)
    assert not GENERAL_KINDS & set(kinds)


def test_each_error_class_of_servers_has_a_kind() -> None:
    assert error_codes.ERROR_KINDS_BY_CLASS.keys() == error_codes.ERROR_CODES.keys()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("08P01", "connection-lost"),
        ("57P05", "connection-lost"),
        ("4031", "connection-lost"),
        ("3169", "connection-lost"),
        ("23P01", "constraint-violated"),
        ("28P02", "authentication-failed"),
        ("40003", "lock-conflict"),
        ("53100", "disk-full"),
        ("53400", "service-failed"),
        ("42P99", "query-failed"),
        ("44000", "constraint-violated"),
        ("57000", "connection-lost"),
        ("XX001", "service-failed"),
        ("2005", "connection-failed"),
        ("1999", "query-failed"),
        ("PGRST125", "request-refused"),
        ("PGRST399", "authentication-failed"),
    ],
)
def test_unlisted_code_has_the_kind_of_its_class(code: str, kind: str) -> None:
    assert error_codes.error_kind(code) == kind


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("42P01", 'missing FROM-clause entry for table "c"', "query-failed"),
        ("42P01", 'relation "c" does not exist', "table-missing"),
        ("42601", "INSERT has more target columns than expressions", "query-failed"),
        ("42601", 'syntax error at or near "FORM"', "sql-syntax"),
        ("1690", "BIGINT UNSIGNED value is out of range in '(a - b)'", "query-failed"),
        ("23514", 'no partition of relation "a" found for row', "constraint-violated"),
    ],
)
def test_words_refine_kind_of_code(code: str, message: str, kind: str) -> None:
    assert error_codes.error_kind(code, message) == kind


def test_kinds_by_words_belong_to_known_classes() -> None:
    assert set(error_codes._KINDS_BY_WORDS) <= set(error_codes.CLASSES_BY_WORDS)


@pytest.mark.parametrize(
    ("code", "message", "fix"),
    [
        ("42883", "operator does not exist: text = integer", "cast"),
        ("42883", "function f(integer) does not exist", "create the function"),
        ("23514", 'no partition of relation "a" found for row', "create the partition"),
        ("23514", 'new row for relation "a" violates check constraint "c"', "check rejects"),
        ("23503", 'update or delete on table "a" violates foreign key constraint "c" on table "b"', "delete or change"),
        ("23503", 'insert or update on table "b" violates foreign key constraint "c"', "referenced first"),
    ],
)  # fmt: skip
def test_words_decide_advice_of_code(code: str, message: str, fix: str) -> None:
    kind = sqlstate_kind(code, message, "writing")
    assert fix in sqlstate_fix(code, kind, message, "writing")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "request-refused"),
        (406, "request-refused"),
        (413, "request-refused"),
        (401, "authentication-failed"),
        (429, "rate-limited"),
        (521, "service-failed"),
        (599, "service-failed"),
        (504, "network-timeout"),
    ],
)
def test_unlisted_status_has_the_kind_of_its_class(status: int, kind: str) -> None:
    assert error_codes.http_error_kind(status) == kind


def test_step_name_keeps_kind_fix_and_facts() -> None:
    with pytest.raises(DriverError) as caught, errors_name_step("s"):
        raise DriverError("no table 'x'", kind="table-missing", fix="create it", table="x")
    error = caught.value
    assert str(error) == "step 's': no table 'x'; create it"
    assert (error.message, error.kind, error.fix, error.facts) == (
        "step 's': no table 'x'",
        "table-missing",
        "create it",
        {"table": "x"},
    )


CSV_IN, PARQUET_IN, CSV_OUT = (
    "filesystem.csv_extractor",
    "filesystem.parquet_extractor",
    "filesystem.csv_writer",
)


def failure(folder: Path, component: str, config: Mapping[str, Any], **inputs: Any) -> DriverError:
    with pytest.raises(DriverError) as caught:
        drive(component, config, context(folder), **inputs)
    error = caught.value
    assert error.kind in ERROR_KINDS
    assert error.fix
    assert str(error).endswith(f"; {error.fix}")
    return error


def _parquet(folder: Path, columns: Mapping[str, Any]) -> bytes:
    pq.write_table(pa.table(columns), folder / "whole.parquet")
    return (folder / "whole.parquet").read_bytes()


def _zip(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "a,b\n1,2\n")
    return content.getvalue()


UTF16, UTF32 = "a,b\n1,2\n".encode("utf-16"), "a,b\n1,2\n".encode("utf-32")
LATIN = {"encoding": "latin-1"}
COMMA = {"delimiter": ","}


@pytest.mark.parametrize(
    ("content", "config", "kind", "expected"),
    [
        (None, {}, "file-missing", {"path": "a.csv"}),
        (None, {"path": "*.tsv"}, "file-missing", {"path": "*.tsv"}),
        (b"", {"path": "."}, "path-is-directory", {}),
        (b"", {}, "frame-without-columns", {"path": "a.csv"}),
        (b"a,b\n1,2\n3,4\n1,2,3\n", {}, "csv-ragged", {"line": 4, "fields": 3, "expected_fields": 2}),
        (b'a\n"x\n', {}, "csv-ragged", {}),
        (b"id;v\n1;1,5\n2;2,5\n", COMMA, "delimiter-wrong", {"found_delimiter": ";", "fields": 2}),
        (
            b"id\tv\n1\t2\n",
            {**COMMA, "columns": ["id"]},
            "delimiter-wrong",
            {"found_delimiter": "\t", "fields": 2},
        ),
        (b'"id";"v"\n"1";"1,5"\n"2";"2,5"\n', {**COMMA, "columns": ["id"]}, "delimiter-wrong", {"fields": 2}),
        (b"id|v\n1|2\n", {**COMMA, "dtype": {"v": "str"}}, "delimiter-wrong", {"found_delimiter": "|"}),
        (b"a,b\n1,2\n", {"columns": ["bb"]}, "column-missing", {"column": "bb", "columns": ["a", "b"]}),
        (b"a,b\n1,2\n", {"columns": ["a", "a"]}, "config-value-invalid", {"setting": "columns"}),
        (b"a\n1\n", {"delimiter": "||"}, "config-value-invalid", {"setting": "delimiter", "value": "||"}),
        (
            b"a\n1\n",
            {"encoding": "utf-99"},
            "config-value-invalid",
            {"setting": "encoding", "value": "utf-99"},
        ),
        (b"a\n1\n", {"dtype": {"a": "nope"}}, "config-value-invalid", {}),
        (b"a\nx\n", {"dtype": {"a": "int64"}}, "value-not-convertible", {}),
        (b"t\n10:30\n", {"parse_dates": ["t"]}, "value-not-convertible", {"column": "t", "value": "10:30"}),
        (b"a\n1\n", {"file_column": "a"}, "config-value-invalid", {"setting": "file_column"}),
        (b"a\n\xff\n", {}, "encoding-wrong", {"encoding": "utf-8", "bytes": "ff"}),
        (UTF16, {}, "encoding-wrong", {"found_encoding": "utf-16"}),
        (UTF16, LATIN, "encoding-wrong", {"found_encoding": "utf-16", "encoding": "latin-1"}),
        (UTF16[2:], LATIN, "encoding-wrong", {"found_encoding": "utf-16-le"}),
        (UTF32, LATIN, "encoding-wrong", {"found_encoding": "utf-32"}),
        (gzip.compress(b"a\n1\n", mtime=0), LATIN, "file-format-wrong", {"format": "gzip"}),
        (bz2.compress(b"a\n1\n"), LATIN, "file-format-wrong", {"format": "bz2"}),
        (lzma.compress(b"a\n1\n"), LATIN, "file-format-wrong", {"format": "xz"}),
        (_zip("a.csv"), LATIN, "file-format-wrong", {"format": "zip"}),
        (_zip("xl/workbook.xml"), LATIN, "file-format-wrong", {"format": "xlsx"}),
        (b"SQLite format 3\0rest", LATIN, "file-format-wrong", {"format": "sqlite"}),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", LATIN, "file-format-wrong", {"format": "xls"}),
        (b"PAR1 and PAR1", LATIN, "file-format-wrong", {"format": "parquet"}),
        (b"a\n1\n", {"compression": "gzip"}, "file-format-wrong", {"format": "text"}),
        (b"a\n1\n", {"compression": "zip"}, "file-format-wrong", {"format": "text"}),
        (gzip.compress(b"a\n1\n" * 999, mtime=0)[:-9], {"compression": "gzip"}, "file-unreadable", {}),
    ],
)
def test_csv_extractor_failure_has_kind_and_facts(
    tmp_path: Path, content: bytes | None, config: dict[str, Any], kind: str, expected: dict[str, Any]
) -> None:
    if content is not None:
        (tmp_path / "a.csv").write_bytes(content)
    error = failure(tmp_path, CSV_IN, {"path": "a.csv", **config})
    assert error.kind == kind
    found = {key: error.facts[key] for key in expected}
    assert found == {
        key: str(tmp_path / value) if key == "path" else value for key, value in expected.items()
    }
    assert "latin" not in (error.fix or "")


@pytest.mark.parametrize("content", [b"PAR1,b\n1,2\n", b"BZh9,b\n1,2\n", "µ,b\n1,2\n".encode()])
def test_text_that_begins_like_a_binary_file_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert drive(CSV_IN, {"path": "a.csv"}, context(tmp_path))["df"].shape == (1, 2)


@pytest.mark.parametrize("encoding", ["utf-16", "UTF_16", "utf16", "utf-16-le", "utf-32"])
def test_wide_encoding_that_the_step_names_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes("a,b\n1,2\n".encode(encoding))
    assert drive(CSV_IN, {"path": "a.csv", "encoding": encoding}, context(tmp_path))["df"].shape == (1, 2)


def test_delimiter_fix_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;v\n1;1,5\n2;2,5\n")
    assert failure(tmp_path, CSV_IN, {"path": "a.csv", **COMMA}).fix == "set delimiter: ';', or auto"
    assert drive(CSV_IN, {"path": "a.csv", "delimiter": ";"}, context(tmp_path))["df"].shape == (2, 2)


def test_missing_file_names_folder_and_near_name(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a\n1\n")
    error = failure(tmp_path, CSV_IN, {"path": "order.csv"})
    assert error.fix == "did you mean 'orders.csv'?"
    assert error.facts["folder"] == str(tmp_path)
    assert f"searched folder {tmp_path}" in str(error)


def test_missing_file_that_is_elsewhere_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "orders.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    error = failure(tmp_path / "run", CSV_IN, {"path": "orders.csv"})
    assert error.facts["exists_at"] == str(tmp_path / "orders.csv")
    assert str(tmp_path / "orders.csv") in (error.fix or "")


def test_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    error = failure(tmp_path, CSV_IN, {"path": "dta/orders.csv"})
    assert f"folder {tmp_path / 'dta'} does not exist" in str(error)
    assert error.fix == "did you mean 'data'?"


@pytest.mark.parametrize(
    ("content", "config", "kind"),
    [
        (b"", {}, "file-unreadable"),
        (b"PAR1", {}, "file-unreadable"),
        (b"a,b\n1,2\n", {}, "file-format-wrong"),
        (_zip("xl/workbook.xml"), {}, "file-format-wrong"),
        (None, {"columns": ["aa"]}, "column-missing"),
    ],
)
def test_parquet_extractor_failure_has_kind(
    tmp_path: Path, content: bytes | None, config: dict[str, Any], kind: str
) -> None:
    whole = _parquet(tmp_path, {"a": [1]})
    (tmp_path / "a.parquet").write_bytes(whole if content is None else content)
    assert failure(tmp_path, PARQUET_IN, {"path": "a.parquet", **config}).kind == kind


def test_truncated_parquet_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(_parquet(tmp_path, {"a": range(1000)})[:-30])
    assert failure(tmp_path, PARQUET_IN, {"path": "a.parquet"}).kind == "file-unreadable"


@pytest.mark.parametrize("component", [CSV_IN, PARQUET_IN])
def test_memory_error_is_not_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, component: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise pa.ArrowMemoryError("realloc of size 33554432 failed")

    (tmp_path / "a").write_bytes(b"a\n1\n" if component == CSV_IN else _parquet(tmp_path, {"a": [1]}))
    monkeypatch.setattr(pq.ParquetFile, "read", fail)
    monkeypatch.setattr(pd, "read_csv", fail)
    error = failure(tmp_path, component, {"path": "a"})
    assert error.kind == "out-of-memory"
    assert "complete" not in str(error)


def test_files_with_other_columns_differ(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("a\n1\n")
    (tmp_path / "2.csv").write_text("b\n1\n")
    error = failure(tmp_path, CSV_IN, {"path": "*.csv"})
    assert (error.kind, error.facts["columns"], error.facts["expected_columns"]) == (
        "columns-differ",
        ["b"],
        ["a"],
    )


@pytest.mark.parametrize(
    ("config", "inputs", "kind"),
    [
        ({"path": "."}, 1, "path-is-directory"),
        ({"path": "/dev/full"}, 1, "disk-full"),
        ({"path": "no/where/a.csv", "create_dirs": False}, 1, "path-not-writable"),
        ({"path": "file/a.csv"}, 1, "path-not-writable"),
        ({"encoding": "ascii"}, 1, "encoding-wrong"),
        ({"encoding": "utf-99"}, 1, "config-value-invalid"),
        ({"quoting": "none"}, 1, "config-value-invalid"),
        ({"delimiter": "||"}, 1, "config-value-invalid"),
        ({}, 0, "input-count-wrong"),
        ({}, 2, "input-count-wrong"),
    ],
)
def test_csv_writer_failure_has_kind(tmp_path: Path, config: dict[str, Any], inputs: int, kind: str) -> None:
    (tmp_path / "file").touch()
    frames = {
        f"df_{number}": handed(tmp_path, pd.DataFrame({"a": ["ž,"]}), step=f"up{number}")
        for number in range(inputs)
    }
    assert failure(tmp_path, CSV_OUT, {"path": "a.csv", **config}, **frames).kind == kind


def test_file_without_rights_has_kind(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch(mode=0)
    if os.access(tmp_path / "a.csv", os.R_OK):
        pytest.skip("root may read everything")
    assert failure(tmp_path, CSV_IN, {"path": "a.csv"}).kind == "permission-denied"


@pytest.mark.parametrize(
    ("family", "kind"), [("oracle", "config-value-invalid"), ("mysql", "dependency-missing")]
)
def test_family_that_cannot_be_tested_has_kind(
    monkeypatch: pytest.MonkeyPatch, family: str, kind: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("osiris_inspect.runtime.drivers.mysql")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(DriverError) as caught:
        connection_test.test_connection(family, {})
    assert caught.value.kind == kind
    assert caught.value.fix


def test_inputs_with_other_columns_differ(tmp_path: Path) -> None:
    frames = {name: handed(tmp_path, pd.DataFrame({name: [1]}), step=name) for name in ("a", "b")}
    error = failure(tmp_path, CSV_OUT, {"path": "a.csv", "on_several_inputs": "append"}, **frames)
    assert (error.kind, error.facts["input"]) == ("columns-differ", "b")


@pytest.mark.parametrize("policy", [SpillPolicy(), SpillPolicy(force_spill=True)], ids=["memory", "spill"])
def test_type_that_pandas_lacks_names_the_column(tmp_path: Path, policy: SpillPolicy) -> None:
    storage = pa.array([b"x", None])
    table = pa.table(
        {"v": pa.ExtensionArray.from_storage(pa.opaque(pa.binary(), "bignum", "DuckDB"), storage)}
    )
    error = failure(tmp_path, CSV_OUT, {"path": "a.csv"}, df=handed(tmp_path, table, policy))
    assert (error.kind, error.facts["column"]) == ("value-not-convertible", "v")
    assert error.facts["value_type"] == "BIGNUM"
    assert "column 'v' contains BIGNUM" in error.message


@pytest.mark.parametrize(
    ("query", "kind", "expected"),
    [
        ("SELEC 1", "sql-syntax", {"line": 1}),
        ("SELECT *\nFROM nope", "table-missing", {"table": "nope", "line": 2}),
        ("SELECT * FROM df_upp", "table-missing", {"tables": ["df", "df_up", "input_df"]}),
        ("SELECT x.v FROM df", "table-missing", {"table": "x"}),
        ("SELECT nam FROM df", "column-missing", {"column": "nam", "columns": ["name", "n"]}),
        ("SELECT d.nam FROM df d", "column-missing", {"column": "nam", "columns": ["name", "n"]}),
        ("SELECT * FROM df JOIN df e USING (k)", "column-missing", {"column": "k"}),
        ("SELECT name::INT FROM df", "value-not-convertible", {}),
        ("SELECT 127::TINYINT + 1::TINYINT", "value-not-convertible", {}),
        ("SELECT sum(name) FROM df", "query-failed", {}),
        ("SELECT n, count(*) FROM df", "query-failed", {}),
        ("CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1), (1); SELECT 1", "constraint-violated", {}),
        ("SELECT * FROM read_csv('/etc/hosts')", "query-reads-files", {}),
        ("CREATE TABLE t AS SELECT 1", "query-result-unusable", {}),
        ("-- nothing", "config-value-missing", {"setting": "query"}),
        ("SELECT error('no')", "query-failed", {}),
    ],
)  # fmt: skip
def test_duckdb_failure_has_kind_and_facts(
    tmp_path: Path, query: str, kind: str, expected: dict[str, Any]
) -> None:
    frame = handed(tmp_path, pd.DataFrame({"name": ["Ana"], "n": [1]}))
    error = failure(tmp_path, "duckdb.processor", {"query": query}, df=frame)
    assert error.kind == kind
    assert {key: error.facts[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT * FROM read_csv('nope.csv')", "file-missing"),
        ("SELECT * FROM read_parquet('a.csv')", "file-format-wrong"),
    ],
)
def test_duckdb_file_failure_has_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, kind: str
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" * 9)
    monkeypatch.chdir(tmp_path)
    config = {"query": query, "allow_external": True}
    error = failure(tmp_path, "duckdb.processor", config)
    assert error.kind == kind
    assert str(error.facts["path"]).endswith(".csv")


def test_duckdb_memory_limit_is_a_fact(tmp_path: Path) -> None:
    query = "SELECT list(r) AS l FROM (SELECT range AS r FROM range(20000000))"
    config = {"query": query, "memory_limit": "50MB", "threads": 1}
    error = failure(tmp_path, "duckdb.processor", config)
    assert (error.kind, error.facts) == ("out-of-memory", {"setting": "memory_limit", "value": "50MB"})


def test_duckdb_limit_that_is_no_size_is_named(tmp_path: Path) -> None:
    error = failure(tmp_path, "duckdb.processor", {"query": "SELECT 1", "memory_limit": "much"})
    assert (error.kind, error.facts["setting"]) == ("config-value-invalid", "memory_limit")


def test_duckdb_missing_column_blames_the_delimiter_upstream(tmp_path: Path) -> None:
    frame = handed(tmp_path, pd.DataFrame({"id;amount;day": ["1;2;3"]}), step="read-orders")
    error = failure(tmp_path, "duckdb.processor", {"query": "SELECT day FROM df"}, df=frame)
    assert error.kind == "delimiter-wrong"
    assert error.fix == "set delimiter: ';' in step 'read-orders', which read its file as one column"


def test_duckdb_lists_the_columns_of_each_input(tmp_path: Path) -> None:
    frames = {
        "a": handed(tmp_path, pd.DataFrame({"id": [1], "amount": [1]}), step="orders"),
        "b": handed(tmp_path, pd.DataFrame({"key": [1]}), step="people"),
    }
    error = failure(tmp_path, "duckdb.processor", {"query": "SELECT a.amont FROM a, b"}, **frames)
    assert "step 'orders' has id, amount; step 'people' has key" in error.message
    assert error.fix == "did you mean 'amount'?"


def test_stream_failure_keeps_kind_of_its_cause(tmp_path: Path) -> None:
    def batches(error: Exception) -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1, 2]})
        raise error

    causes = {
        "connection-lost": DriverError("lost", kind="connection-lost", fix="run again", code="57P01"),
        "out-of-memory": MemoryError(),
        "driver-raised": ValueError("boom"),
    }
    for kind, cause in causes.items():
        reader = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), batches(cause))
        with pytest.raises(DriverError) as caught:
            FrameStore(tmp_path, SpillPolicy()).put("s", {"df": reader})
        assert (caught.value.kind, caught.value.facts["rows"]) == (kind, 2)
        assert caught.value.fix
    assert str(caught.value).startswith("step 's': the stream failed after 2 rows: boom")
