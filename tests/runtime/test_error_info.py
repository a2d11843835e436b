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

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.model.error_info import ERROR_KINDS, parse_error_info
from osiris_inspect.model.errors import (
    DriverError,
    InputNotFound,
    PipelineError,
    Problem,
    RunError,
    WorkerStartFailed,
)
from osiris_inspect.model.event import Event
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.drivers.interface.step_inputs import InputNameUnknown, StepInputs
from osiris_inspect.runtime.protocol.bundle import PACKAGE_DIR
from osiris_inspect.runtime.protocol.error_report import build_error_info, error_to_dict, shorten_error_info
from osiris_inspect.runtime.proxy import proxy
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder
from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
from osiris_inspect.runtime.transport.e2b.errors import raised_as
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.worker.event_emitter import EventEmitter
from tests.runtime import faulty as faulty_drivers
from tests.runtime.runs import ENVIRONMENT, events_of, faulty, make_run


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


def group(message: str, *errors: Exception) -> ExceptionGroup[Exception]:
    try:
        raise ExceptionGroup(message, errors)
    except ExceptionGroup as error:
        return error


def test_group_lists_its_exceptions() -> None:
    inner = ValueError("bad id")
    inner.__cause__ = KeyError("id")
    report = error_to_dict(group("2 pages failed", inner, group("retry", TimeoutError("page 3"))))
    assert report["message"] == (
        "2 pages failed (2 sub-exceptions): ValueError: bad id; TimeoutError: page 3"
    )
    assert [cause["type"] for cause in report["causes"]] == [
        "ValueError",
        "KeyError",
        "ExceptionGroup",
        "TimeoutError",
    ]
    assert report["error_info"]["chain"][:2] == ["ExceptionGroup", "ValueError"]


def test_long_group_repeats_its_first_exceptions() -> None:
    report = error_to_dict(group("failed", *(ValueError(str(number)) for number in range(50))))
    assert report["message"].endswith("ValueError: 0; ValueError: 1; ValueError: 2; …")
    assert len(report["causes"]) == 10


@pytest.mark.parametrize(
    ("second", "kind"),
    [(ConnectionResetError(), "connection-lost"), (ValueError("x"), "driver-raised")],
)
def test_group_has_the_kind_of_all(second: Exception, kind: str) -> None:
    assert build_error_info(group("failed", ConnectionResetError(), second)).kind == kind


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


def _infos(path: Path) -> dict[str, dict[str, Any]]:
    """The ``error_info`` of a run by event and step."""
    return {
        f"{event['event']} {event.get('step_id', '')}".strip(): event["error_info"]
        for event in events_of(path)
        if "error_info" in event
    }


@pytest.mark.parametrize("on", ["local", "none"])
def test_run_records_info_of_failed_driver(tmp_path: Path, on: str) -> None:
    infos = _infos(make_run(tmp_path, on, text=faulty("spill_secret", words="wordsof-secret")).path)
    assert set(infos) == {"step_failed first", "step_skipped second", "run_end"}
    failed = infos["step_failed first"]
    assert (failed["kind"], failed["type"], failed["fix"]) == ("driver-raised", "ValueError", None)
    assert failed["chain"] == ["ValueError", "KeyError"]
    assert failed["place"]["file"] == faulty_drivers.__file__
    assert failed["place"]["function"] == "Faulty.spill_secret"
    assert infos["step_skipped second"]["kind"] == "upstream-failed"
    assert infos["step_skipped second"]["facts"] == {"step": "first"}
    assert infos["run_end"] == failed | {"facts": {"step": "first"}}


@pytest.mark.parametrize(
    ("do", "kind"),
    [("sys_exit", "driver-exited"), ("allocate", "out-of-memory"), ("odd_error", "driver-raised")],
)
def test_run_records_kind_of_other_exceptions(tmp_path: Path, do: str, kind: str) -> None:
    assert _infos(make_run(tmp_path, "none", text=faulty(do)).path)["step_failed first"]["kind"] == kind


@pytest.mark.parametrize(
    ("do", "facts"),
    [
        ("kill_9", {"reason": "killed by SIGKILL", "signal": "SIGKILL"}),
        ("os_exit", {"reason": "exit code 7", "exit_code": 7}),
    ],
)
def test_lost_worker_says_how_it_ended(tmp_path: Path, do: str, facts: dict[str, Any]) -> None:
    infos = _infos(make_run(tmp_path, "none", text=faulty(do)).path)
    assert infos["step_failed first"]["kind"] == infos["run_end"]["kind"] == "worker-killed"
    assert infos["step_failed first"]["facts"] == facts
    assert infos["run_end"]["facts"] == {**facts, "step": "first"}


def _after_heartbeat(recorder: RunRecorder, **fields: int) -> RunRecorder:
    recorder.last_heartbeats[None] = fields
    return recorder


def test_killed_worker_has_memory_of_last_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = 1 << 40
    transport = Stdio(ENVIRONMENT, "none", ResourceLimits(limit))
    monkeypatch.setattr(
        proxy,
        "RunRecorder",
        lambda *args: _after_heartbeat(RunRecorder(*args), rss_bytes=5, peak_rss_bytes=7),
    )
    run = make_run(tmp_path, text=faulty("kill_9"), transport=transport).path
    facts = _infos(run)["step_failed first"]["facts"]
    assert (facts["rss_bytes"], facts["peak_rss_bytes"], facts["memory_limit_bytes"]) == (5, 7, limit)


def test_timed_out_step_has_its_limit(tmp_path: Path) -> None:
    run = make_run(tmp_path, "none", text=faulty("hang"), env={"E2B_STEP_TIMEOUT": "0.5"}).path
    infos = _infos(run)
    assert infos["step_failed first"]["kind"] == infos["run_end"]["kind"] == "step-timeout"
    assert infos["step_failed first"]["facts"] == {"step": "first", "limit_s": 0.5}
    assert infos["step_failed first"]["fix"].startswith("raise --step-timeout")


def test_successful_run_has_no_info(tmp_path: Path) -> None:
    assert _infos(make_run(tmp_path, "local").path) == {}


class AuthenticationException(Exception):
    """Named like the error of the SDK."""


class SandboxException(Exception):
    def __init__(self, message: str, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (AuthenticationException("no"), "authentication-failed", 401),
        (SandboxException("503: busy"), "service-failed", 503),
        (SandboxException("500: oops"), "service-failed", 500),
        (SandboxException("x", 403), "authentication-failed", 403),
        (SandboxException("x", 429), "rate-limited", 429),
        (SandboxException("422: no such template"), "request-refused", 422),
        (SandboxException("The sandbox was not found"), "sandbox-lost", None),
        (TimeoutError("x"), "network-timeout", None),
        (ConnectionError("x"), "connection-failed", None),
        (ValueError("x"), "sandbox-unavailable", None),
    ],
    ids=repr,
)
def test_error_of_sandbox_service_has_kind_and_status(
    error: Exception, kind: str, status: int | None
) -> None:
    with (
        pytest.raises(WorkerStartFailed, match="cannot create") as raised,
        raised_as(WorkerStartFailed, "cannot create a sandbox", "sandbox-unavailable"),
    ):
        raise error
    info = build_error_info(raised.value)
    assert (info.kind, info.facts.get("http_status")) == (kind, status)
    assert kind in ERROR_KINDS


def test_failed_preparation_is_read_with_its_info(tmp_path: Path) -> None:
    run = make_run(tmp_path, "none", transport=_Unstartable(ENVIRONMENT, "none")).path
    infos = _infos(run)
    assert infos["prepare_failed"]["kind"] == infos["run_end"]["kind"] == "worker-start-failed"
    failure = load(run).failure
    assert failure is not None
    assert failure.info is not None
    assert (failure.info.kind, failure.info.facts) == ("worker-start-failed", {"path": "python"})


class _Unstartable(Stdio):
    def start(self, launch: Any) -> str:
        raise WorkerStartFailed("cannot start the worker", fix="install it", path="python")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (KeyboardInterrupt(), "interrupted", "interrupted"),
        (ZeroDivisionError("x"), "failed", "internal-error"),
    ],
    ids=["interrupt", "fault"],
)
def test_error_that_leaves_the_host_is_recorded(
    tmp_path: Path, error: BaseException, status: str, kind: str
) -> None:
    def listen(event: Event) -> None:
        if event.name == "step_complete":
            raise error

    with pytest.raises(type(error)):
        make_run(tmp_path, "none", on_event=listen)
    (run,) = (tmp_path / "logs").iterdir()
    assert events_of(run)[-1]["status"] == status
    assert _infos(run)["run_end"]["kind"] == kind
    assert load(run).status == status


def test_exit_of_a_driver_has_a_fix() -> None:
    info = build_error_info(SystemExit(2))
    assert info.fix == "raise an exception in the driver instead of calling sys.exit"


def test_unknown_input_lists_the_inputs() -> None:
    with pytest.raises(KeyError) as caught:
        StepInputs()["orders"]
    info = build_error_info(caught.value)
    assert info.kind == "input-name-mismatch"
    assert info.message == "the step has no input 'orders'; its inputs are: none"
    assert info.fix == "use one of these names, or name the step in needs"
    assert build_error_info(InputNameUnknown("orders", ["df"])).fix == "use inputs['df'] in the driver"
    assert str(InputNameUnknown("x", ["df"])).startswith("the step has no input 'x'")
