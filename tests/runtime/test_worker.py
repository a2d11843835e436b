"""The worker's loop by itself: any bytes in, one answer a command out, and never a crash."""

import logging
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.environment import WorkerContext
from osiris_inspect.runtime.protocol.messages import Command
from osiris_inspect.runtime.transport.in_process import InProcess
from osiris_inspect.runtime.worker import driver_logging as driver_log
from osiris_inspect.runtime.worker.command_loop import serve
from osiris_inspect.runtime.worker.driver_logging import driver_logging
from osiris_inspect.runtime.worker.frame_capture import FrameCapture
from tests.runtime.pipelines import STATS
from tests.runtime.runs import events_of, make_run

LINES = st.lists(
    st.binary(max_size=80)
    | st.sampled_from(
        [
            b'{"cmd":"ping","id":1}',
            b'{"cmd":"exec_step","id":2,"step_id":"../../x","driver":"d","cfg_path":"/etc/passwd","inputs":{}}',
            b'{"cmd":"exec_step","id":3,"step_id":"a","driver":"d","cfg_path":"c","inputs":{"df":3}}',
            b'{"cmd":"prepare","id":4,"run_id":"r","manifest":{"steps":7},"settings":{}}',
            b'{"cmd":"prepare","id":5,"run_id":"r","manifest":{},"settings":{"spill_threshold":{"value":"x"}}}',
            b'{"cmd":"prepare","id":6,"run_id":"r","manifest":{},"settings":{},"parcel":{"files":{"../x":"y"}}}',
            b'{"cmd":"prepare","id":7,"run_id":"r","manifest":{},"settings":{},"secrets":"text"}',
            b'{"cmd":"cleanup","id":8}',
            b'{"id":' + b"[" * 2000,
            b"\xff\xfe\x00",
            b"null",
        ]
    ),
    max_size=8,
)


def said(folder: Path, chunks: Iterable[bytes]) -> list[dict[str, Any]]:
    """What a worker says to ``chunks``."""
    lines: list[bytes] = []
    serve(chunks, lines.append, WorkerContext(folder, "none", time.time))
    assert all(line.endswith(b"\n") for line in lines)
    return [orjson.loads(line) for line in lines]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(LINES, st.integers(1, 50))
def test_any_bytes_leave_the_worker_alive_and_each_command_answered_once(
    tmp_path: Path, lines: list[bytes], size: int
) -> None:
    stream = b"\n".join([*lines, b'{"cmd":"ping","id":99,"echo":"still here"}']) + b"\n"
    answers = said(tmp_path, (stream[start : start + size] for start in range(0, len(stream), size)))
    numbers = [answer["n"] for answer in answers]
    assert numbers == list(range(len(numbers)))
    assert answers[-1] | {"n": 0} == {"nonce": "", "n": 0, "type": "response", "id": 99, "pong": "still here"}


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=20))
def test_any_bytes_are_replies_or_named_errors(data: bytes, cuts: list[int]) -> None:
    from osiris_inspect.model.errors import InvalidMessage

    lines, rest = rpc.LineSplitter(limit=100), data
    for cut in [*cuts, len(data)]:
        for line in lines.feed(rest[:cut]):
            try:
                rpc.decode_message(line if isinstance(line, bytes) else b"")
            except InvalidMessage as error:
                assert str(error)  # noqa: PT017  both ends are right, only another exception is not
        rest = rest[cut:]


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"event","seq":"x","ts":1,"event":"e"}',
        b'{"type":"event","seq":1,"ts":1,"event":5}',
        b'{"type":"metric","ts":1,"metric":"m","value":null}',
        b'{"type":"response"}',
        b'{"type":"error","id":1}',
        b'{"type":"error","id":1,"error":"text"}',
    ],
)
def test_a_reply_without_what_belongs_to_it_is_none(line: bytes) -> None:
    from osiris_inspect.model.errors import InvalidMessage

    with pytest.raises(InvalidMessage, match=r"needs '\w+' of type"):
        rpc.decode_message(line)


def test_exec_step_before_prepare_is_refused_and_executes_nothing(tmp_path: Path) -> None:
    command = Command("exec_step", 1, {"step_id": "a", "driver": "d", "cfg_path": "c", "inputs": {}})
    (answer,) = said(tmp_path, [rpc.encode_command(command)])
    assert (answer["type"], answer["error"]["message"]) == (
        "error",
        "command refused: exec_step was received before prepare",
    )


def test_a_command_that_comes_twice_is_done_once(tmp_path: Path) -> None:
    ping = rpc.encode_command(Command("ping", 5, {"echo": "x"}))
    assert [answer["id"] for answer in said(tmp_path, [ping, ping])] == [5]


def test_a_line_of_64_mib_cut_into_pieces_is_refused_and_the_next_one_done(tmp_path: Path) -> None:
    piece = b"x" * (1 << 20)
    chunks = [b'{"cmd":"ping","id":1,"echo":"', *[piece] * 65, b'"}\n', b'{"cmd":"ping","id":2}\n']
    refused, done = said(tmp_path, chunks)
    assert refused["error"]["type"] == "MessageTooLarge"
    assert done["id"] == 2


def test_a_line_in_pieces_of_one_byte_is_a_line(tmp_path: Path) -> None:
    line = rpc.encode_command(Command("ping", 1, {"echo": "žluťoučký \u2028 kůň"}))
    (answer,) = said(tmp_path, (line[at : at + 1] for at in range(len(line))))
    assert answer["pong"] == "žluťoučký \u2028 kůň"


@pytest.mark.parametrize("path", ["../secret.json", "/etc/passwd", "cfg/../../x.json"])
def test_no_configuration_outside_the_run_directory_is_opened(tmp_path: Path, path: str) -> None:
    manifest = {"pipeline": {"name": "p"}, "steps": []}
    prepare = Command("prepare", 1, {"run_id": "r", "manifest": manifest, "settings": {}})
    step = Command("exec_step", 2, {"step_id": "a", "driver": "d", "cfg_path": path, "inputs": {}})
    answers = said(tmp_path, [rpc.encode_command(prepare), rpc.encode_command(step)])
    assert "is outside the run directory" in answers[-1]["error"]["message"]


class _Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "value",
    [_Odd(), {1, 2}, b"\x00\xff", 1 << 70, "\udcff", {"a": {"b": object()}}, Path("x"), float("nan"), 2j],
    ids=lambda value: type(value).__name__,
)
def test_what_json_has_no_form_for_is_said_as_text_and_never_an_error(value: Any) -> None:
    line = rpc.encode_message(rpc.EventMessage(0, 1.0, "e", None, {"value": value}))
    assert isinstance(rpc.decode_message(line), rpc.EventMessage)


def test_a_value_that_holds_itself_is_cut() -> None:
    loop: list[Any] = []
    loop.append(loop)
    rpc.decode_message(rpc.encode_message(rpc.EventMessage(0, 1.0, "e", None, {"value": loop})))


def test_failed_step_duration_excludes_input_spill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(FrameCapture, "after_failure", lambda *_: now.__setitem__(0, 60.0))
    text = STATS.replace("FROM input_df", "FROM nowhere")
    monkeypatch.setattr("osiris_inspect.runtime.worker.worker.monotonic", lambda: now[0])
    outcome = make_run(tmp_path, text=text)
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert (failed["duration_ms"], now) == (0.0, [60.0])


def test_local_worker_that_cannot_be_imported_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "osiris_inspect.runtime.worker.command_loop", None)
    outcome = make_run(tmp_path, transport=InProcess({}, time.time))
    assert outcome.status == "failed"
    assert "its thread raised ModuleNotFoundError" in (outcome.reason or "")


def test_log_record_of_driver_is_printed_with_its_step(capsys: pytest.CaptureFixture[str]) -> None:
    with driver_logging("fetch"):
        logging.getLogger("acme").warning("skipped %d records", 37)
    logging.getLogger("acme").warning("after the step")
    assert capsys.readouterr().out.endswith(" - acme - [step fetch] - WARNING - skipped 37 records\n")


def test_info_record_of_driver_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    level = logging.getLogger().level
    with driver_logging("fetch"):
        logging.getLogger("acme.client").info("page %d of %d", 1, 14)
        logging.getLogger("acme.client").debug("not of interest")
    assert capsys.readouterr().out.endswith(" - acme.client - [step fetch] - INFO - page 1 of 14\n")
    assert logging.getLogger().level == level


@pytest.mark.parametrize("name", ["urllib3.connectionpool", "botocore.credentials", "httpx"])
def test_info_record_of_library_is_not_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with driver_logging("fetch"):
        logging.getLogger(name).info("GET /")
        logging.getLogger(name).warning("retrying")
    assert [line.rpartition(" - ")[2] for line in capsys.readouterr().out.splitlines()] == ["retrying"]


def test_info_records_over_the_limit_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with driver_logging("fetch"):
        for number in range(driver_log.MAX_RECORDS + 100):
            logging.getLogger("acme").info("row %d", number)
    messages = [line.rpartition(" - ")[2] for line in capsys.readouterr().out.splitlines()]
    numbers = [
        *range(driver_log.MAX_RECORDS),
        *range(driver_log.MAX_RECORDS + 80, driver_log.MAX_RECORDS + 100),
    ]
    assert [message for message in messages if message.startswith("row")] == [f"row {n}" for n in numbers]
    assert messages[driver_log.MAX_RECORDS] == "[80 more log records below WARNING were not kept]"


def test_info_records_are_limited_by_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with driver_logging("fetch"):
        for _ in range(500):
            logging.getLogger("acme").info("x" * 10_000)
    assert len(capsys.readouterr().out) < 2 * driver_log.MAX_CHARACTERS


def test_info_record_does_not_reach_other_handlers() -> None:
    records: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    other = Kept()
    logging.getLogger().addHandler(other)
    try:
        with driver_logging("fetch"):
            logging.getLogger("acme").info("page 1")
            logging.getLogger("acme").warning("slow")
    finally:
        logging.getLogger().removeHandler(other)
    assert (records, other.filters) == (["slow"], [])


def shown_warnings(capsys: pytest.CaptureFixture[str], *given: tuple[type[Warning], str]) -> list[str]:
    """Return the messages in the log of a step that warns."""
    with warnings.catch_warnings(record=True):
        warnings.resetwarnings()
        with driver_logging("fetch"):
            for category, text in given:
                warnings.warn(text, category, stacklevel=1)
    return [line.rpartition(" - [step fetch] - ")[2] for line in capsys.readouterr().out.splitlines()]


def test_warning_of_driver_is_logged_once_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    texts = ("stopped after 10 pages", "stopped after 10 pages", "stopped after 20 pages")
    assert shown_warnings(capsys, *((UserWarning, text) for text in texts)) == [
        "WARNING - UserWarning: stopped after 10 pages",
        "WARNING - UserWarning: stopped after 20 pages",
    ]


def test_warning_of_each_step_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert shown_warnings(capsys, (RuntimeWarning, "overflow")) == ["WARNING - RuntimeWarning: overflow"]


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning, ResourceWarning, ImportWarning])
def test_warning_about_code_is_not_logged(
    category: type[Warning], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown_warnings(capsys, (category, "rows will be skipped")) == []


def test_record_with_wrong_arguments_does_not_raise(capsys: pytest.CaptureFixture[str]) -> None:
    with driver_logging("fetch"):
        logging.getLogger("acme").info("page %d", "one")
        logging.getLogger("acme").info("page 2")
    assert capsys.readouterr().out.endswith("page 2\n")
