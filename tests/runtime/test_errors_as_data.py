"""Errors of drivers and frames are data: each has a known kind, a fix and facts, whatever fails."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.base import error_codes
from osiris_inspect.model import errors
from osiris_inspect.model.error_info import ERROR_KINDS
from osiris_inspect.model.errors import DriverError, OsirisError
from osiris_inspect.runtime.drivers import duckdb_errors
from osiris_inspect.runtime.drivers.interface import database, file_format, file_paths
from osiris_inspect.runtime.drivers.interface.driver import errors_name_step

RUNTIME = Path(errors.__file__).parents[1] / "runtime"
PACKAGES = (
    *("drivers", "frames", "proxy", "worker", "transport", "sandbox", "protocol", "pipeline", "connections"),
    "files",
)
WITHOUT_FIX = frozenset({"InputNotFound", "InvalidMessage", "MessageTooLarge", "PipelineError", "WorkerLost"})
"""Errors whose text, problems or callers contain the remedy, and errors of the protocol itself."""
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
    "drivers/interface/file_format.py:unreadable_file": "kinds of _READ_ERRORS",
    "drivers/interface/file_paths.py:_write_error": "kinds of _WRITE_ERRORS",
    "drivers/mysql/errors.py:connect_error": "kinds of error_codes",
    "drivers/mysql/errors.py:query_error": "kinds of error_codes",
    "drivers/mysql/errors.py:setting_error": "a literal of each caller",
    "drivers/postgres/connect.py:_connect_error": "kinds of _REASONS",
    "drivers/postgres/copy_writer.py:write_error": "kinds of error_codes",
    "drivers/postgres/errors.py:query_error": "kinds of error_codes",
    "drivers/supabase/driver.py:_create_table": "kinds of error_codes",
    "drivers/supabase/rest_client.py:_setting_error": "a literal of each caller",
    "drivers/supabase/rest_errors.py:connection_error": "the kind of the failed request",
    "drivers/supabase/rest_writer.py:_failed": "the kind of the failed request",
    "drivers/supabase/rest_writer.py:_outcome_unknown": "the kind of the failed request",
    "drivers/supabase/rest_writer.py:_write_failed": "a literal of each caller, or the kind of the failed request",
    "frames/store.py:_stream_error": "the kind of the error in the stream",
    "proxy/artifact_download.py:_lost": "the kind of the download's error",
    "proxy/failures.py:cannot_create_run": "the kind of a system error",
    "transport/e2b/transport.py:start": "the kind of a system error",
    "transport/stdio.py:start": "the kind of a system error",
    "transport/worker_exit.py:error": "the kind of each exit",
    "worker/worker.py:_store_result": "kinds of _missing_frame_kind",
}
"""Functions that pass on a kind, and where it comes from."""
CODE_OF_OTHERS = {"frames/store.py:_stream_error": "the stream of a third-party driver raised any exception"}
"""Functions whose error has the general kind of a driver, and why."""


def _functions() -> Iterator[tuple[str, ast.AST]]:
    for package in PACKAGES:
        for path in sorted((RUNTIME / package).rglob("*.py")):
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
    if call.func.id not in WITHOUT_FIX:
        assert "fix" in arguments


def test_lists_of_exceptions_name_functions_that_exist() -> None:
    names = {name for name, _ in CALLS}
    assert names >= CODE_OF_OTHERS.keys()
    assert names >= COPIED_KINDS.keys()


def test_tables_of_kinds_have_known_kinds() -> None:
    kinds = [
        *error_codes.ERROR_KINDS_BY_CLASS.values(),
        *error_codes._KINDS_BY_PREFIX.values(),
        *error_codes._KINDS_BY_STATUS.values(),
        *database.FIXES,
        *(kind for kind, _ in duckdb_errors._KINDS.values()),
        *(kind for _, kind, _ in duckdb_errors._TEXTS),
        *(kind for kind, _ in file_format._READ_ERRORS.values()),
        *(kind for kind, _ in file_paths._WRITE_ERRORS.values()),
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
