"""Errors as data: what every failure of a run says about itself."""

import errno
import json
import socket
import ssl
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.model.error_info import ERROR_KINDS, parse_error_info
from osiris_inspect.model.errors import DriverError, InputNotFound, PipelineError, Problem, RunError
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.protocol.bundle import PACKAGE_DIR
from osiris_inspect.runtime.protocol.error_report import build_error_info, shorten_error_info
from osiris_inspect.runtime.worker.event_emitter import EventEmitter


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), "driver-raised"),
        (OSError("no number"), "driver-raised"),
        (OSError(errno.ENOTTY, "x"), "driver-raised"),
        (OSError(errno.ENOSPC, "x"), "disk-full"),
        (OSError(errno.EDQUOT, "x"), "disk-full"),
        (OSError(errno.EACCES, "x"), "permission-denied"),
        (OSError(errno.EPERM, "x"), "permission-denied"),
        (FileNotFoundError("of a library, without a number"), "file-missing"),
        (OSError(errno.ENOENT, "x", "a.csv"), "file-missing"),
        (OSError(errno.EMFILE, "x"), "too-many-open-files"),
        (OSError(errno.ENFILE, "x"), "too-many-open-files"),
        (OSError(errno.ENOMEM, "x"), "out-of-memory"),
        (OSError(errno.ECONNREFUSED, "x"), "connection-refused"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "host-not-found"),
        (ssl.SSLError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]"), "tls-failed"),
        (TimeoutError("of a queue"), "driver-raised"),
        (MemoryError(), "out-of-memory"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(3), "driver-exited"),
        (InputNotFound(step="a", name="df", upstream="b"), "input-not-found"),
        (PipelineError([Problem("x", "f.yaml")]), "pipeline-invalid"),
        (DriverError("x", kind="table-missing"), "table-missing"),
        (DriverError("x", kind="Not a slug!"), "driver-raised"),
    ],
    ids=repr,
)
def test_error_has_the_kind_of_its_class(error: BaseException, kind: str) -> None:
    info = build_error_info(error)
    assert info.kind == kind
    assert kind in ERROR_KINDS or kind == "table-missing"
    assert parse_error_info(json.loads(orjson.dumps(info.to_dict()))) == info


def test_error_of_ours_keeps_message_fix_and_facts() -> None:
    info = build_error_info(DriverError("no table 'a'", kind="table-missing", fix="create it", table="a"))
    assert (info.message, info.fix, info.facts, info.type) == (
        "no table 'a'",
        "create it",
        {"table": "a"},
        "DriverError",
    )


def test_system_error_has_number_and_path() -> None:
    info = build_error_info(FileNotFoundError(errno.ENOENT, "No such file", "in/a.csv"))
    assert info.facts == {"errno": "ENOENT", "path": "in/a.csv"}


def test_chain_names_classes_from_outside_in() -> None:
    try:
        try:
            json.loads("{")
        except ValueError as error:
            raise RunError("outer") from error
    except RunError as error:
        info = build_error_info(error)
    assert info.chain == ("osiris_inspect.model.errors.RunError", "json.decoder.JSONDecodeError")


def test_cycle_of_causes_ends() -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert build_error_info(first).chain == ("ValueError", "KeyError")


def test_place_is_the_innermost_frame_of_user_code() -> None:
    try:
        json.loads("{")  # raises inside of the standard library
    except ValueError as error:
        place = build_error_info(error).place
    assert place is not None
    assert (place.file, place.function) == (
        __file__,
        "test_place_is_the_innermost_frame_of_user_code",
    )


def test_place_of_installed_driver_is_in_its_package(tmp_path: Path) -> None:
    worker = str(PACKAGE_DIR / "runtime" / "worker" / "worker.py")
    packages = f"{tmp_path}/lib/python3/site-packages"
    space: dict[str, Any] = {}
    for file, text in (
        (f"{packages}/other/http.py", "def get(): raise ValueError('x')"),
        (f"{packages}/acme/client.py", "def fetch():\n  get()"),
        (f"{packages}/acme/driver.py", "def run(): fetch()"),
        (worker, "def call(): run()"),
    ):
        exec(compile(text, file, "exec"), space)
    with pytest.raises(ValueError, match="x") as raised:
        space["call"]()
    called = raised.value.__traceback__
    assert called is not None
    place = build_error_info(raised.value.with_traceback(called.tb_next)).place  # without this test
    assert place is not None
    assert (place.file, place.line, place.function) == (f"{packages}/acme/client.py", 2, "fetch")


def test_place_of_syntax_error_is_its_file() -> None:
    with pytest.raises(SyntaxError) as raised:
        compile("a = (", "/home/me/driver.py", "exec")
    raised.value.__traceback__ = None
    assert str(build_error_info(raised.value).place) == "/home/me/driver.py:1"


class _Hostile(DriverError):
    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __str__(self) -> str:
        raise RuntimeError("str")


class _NoInit(DriverError):
    def __init__(self) -> None:
        Exception.__init__(self, "own words")


def test_hostile_errors_raise_nothing() -> None:
    assert build_error_info(_Hostile()).kind == "driver-raised"
    info = build_error_info(_NoInit())
    assert (info.kind, info.message, info.facts) == ("driver-raised", "own words", {})


def test_facts_become_bounded_json() -> None:
    facts: dict[str, Any] = {
        "path": Path("a/b"),
        "number": Decimal("1.50"),
        "huge": 10**5000,
        "nan": float("nan"),
        "raw": b"\xff",
        "rows": list(range(1000)),
        "deep": {"a": {"b": {"c": {"d": 1}}}},
        "object": _NoInit,
        "nothing": None,
        "long": "x" * 100_000,
    }
    shown = shorten_error_info(build_error_info(DriverError("m" * 50_000, **facts)).to_dict())
    assert shown["facts"]["path"] == "a/b"
    assert shown["facts"]["number"] == "1.50"
    assert shown["facts"]["nan"] == "nan"
    assert len(shown["facts"]["rows"]) == 20
    assert "nothing" not in shown["facts"]
    assert len(orjson.dumps(shown)) < 16_000
    assert shorten_error_info(shown) == shown


def test_secret_is_masked_before_facts_are_shortened() -> None:
    messages: list[Any] = []
    emitter = EventEmitter(messages.append, lambda: 0.0)
    emitter.redactor = Redactor(["s3cret-value"])
    error = DriverError(
        "x", url="u" * 955 + "s3cret-value" + "u" * 100, other={"s3cret-value": ["s3cret-value"]}
    )
    emitter.emit("step_failed", {"error_info": build_error_info(error).to_dict()}, "a")
    facts = messages[0].fields["error_info"]["facts"]
    assert facts["other"] == {"***": ["***"]}
    assert "s3c" not in facts["url"]
