"""Bytes that are no messages, in both directions and on every transport: told, and nothing else is lost by them."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.protocol.messages import Command
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport
from tests.runtime.runs import NAMES, events_of, faulty, make_run

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "e2b"])
IN_A_CHILD = pytest.mark.parametrize("on", [*(name for name in NAMES if name != "local"), "e2b"])
_LAST = 99
_STEP = {"step_id": "a", "driver": "test.faulty", "cfg_path": "cfg/a.json", "inputs": {}}

TO_THE_WORKER = {
    "garbage": (b"no command at all }{\n", "BadMessage", "not valid JSON"),
    "JSON of another kind": (b"[1, 2]\n", "BadMessage", "expected a JSON object, got list"),
    "unknown command": (b'{"cmd":"drop","id":7}\n', "BadMessage", "unknown command 'drop'"),
    "fields of wrong types": (
        b'{"cmd":"exec_step","id":7,"step_id":1}\n',
        "BadMessage",
        "'step_id' of type str",
    ),
    "exec before prepare": (
        rpc.encode_command(Command("exec_step", 7, _STEP)),
        "BadMessage",
        "exec_step was received before prepare",
    ),
    "65 MiB": (
        b'{"cmd":"ping","id":7,"echo":"' + b"x" * (65 << 20) + b'"}\n',
        "MessageTooLarge",
        "68,157,471 bytes",
    ),
}


def _said(transport: Transport, folder: Path, *pieces: bytes) -> list[dict[str, Any]]:
    """What a worker says to ``pieces`` until it answers the ping that is sent behind them."""
    (folder / "run").mkdir()
    answers: list[dict[str, Any]] = []
    with transport:
        transport.start(LaunchSpec(folder / "run", folder, Bundle("", {})))
        for piece in (*pieces, rpc.encode_command(Command("ping", _LAST, {"echo": "still here"}))):
            transport.send(piece)
        while not answers or answers[-1].get("id") != _LAST:
            line = transport.receive(60.0)
            assert line is not None
            answers.append(orjson.loads(line))
    assert [answer["n"] for answer in answers] == list(range(len(answers)))
    assert answers.pop()["pong"] == "still here"
    return answers


@EVERYWHERE
@pytest.mark.parametrize(("data", "kind", "words"), TO_THE_WORKER.values(), ids=TO_THE_WORKER)
def test_a_line_that_is_no_command_gets_one_error_and_the_next_one_its_answer(
    tmp_path: Path, on: str, transport: Transport, data: bytes, kind: str, words: str
) -> None:
    (answer,) = _said(transport, tmp_path, data)
    assert (answer["type"], answer["error"]["type"]) == ("error", kind)
    assert words in answer["error"]["message"]
    assert {path.name for path in (tmp_path / "run").iterdir()} <= {
        "worker.log",
        "artifacts",
    }  # a sandbox has the second


# E2B's SDK takes text: what is no UTF-8 cannot be given to it
@pytest.mark.parametrize("on", NAMES)
def test_a_line_that_is_not_utf_8_gets_one_error_and_the_next_one_its_answer(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    (answer,) = _said(transport, tmp_path, b'{"cmd":"ping","id":7,"echo":"\xff\xfe"}\n')
    assert (answer["type"], answer["error"]["type"]) == ("error", "BadMessage")


@EVERYWHERE
def test_a_command_in_pieces_of_one_byte_is_a_command(tmp_path: Path, on: str, transport: Transport) -> None:
    line = rpc.encode_command(Command("ping", 7, {"echo": "in pieces"}))
    (answer,) = _said(transport, tmp_path, *(line[at : at + 1] for at in range(len(line))))
    assert (answer["id"], answer["pong"]) == (7, "in pieces")


@EVERYWHERE
def test_a_command_longer_than_any_pipe_comes_whole_character_by_character(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    echo = "žluťoučký kůň 🐎 " * 50_000
    (answer,) = _said(transport, tmp_path, rpc.encode_command(Command("ping", 7, {"echo": echo})))
    assert answer["pong"] == echo


@pytest.mark.sampled(2)
@IN_A_CHILD
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("garbage", "not valid JSON"),
        ("not UTF-8", "not valid JSON"),
        ("JSON of another kind", "expected a JSON object, got list"),
        ("half a message", "needs 'ts' of type float"),
        ("one byte at a time", "unknown message type 'forged'"),
        ("65 MiB", "line too large: 68,157,440 bytes; the limit is 67,108,864"),
    ],
)
def test_what_is_no_message_is_told_once_and_the_run_goes_on_whole(
    tmp_path: Path, on: str, transport: Transport, words: str, said: str
) -> None:
    outcome = make_run(tmp_path, on, text=faulty("speak_on_the_wire", words=words), transport=transport)
    assert outcome.status == "success", outcome.reason
    events = events_of(outcome.path)
    (told,) = [event for event in events if event["event"] == "wire_error"]
    assert said in told["error"]
    names = [event["event"] for event in events if event.get("step_id") == "first"]
    assert names[:2] == ["cfg_opened", "step_start"]
    assert names[-1] == "step_complete"
    assert "lines_missing" not in [event["event"] for event in events]
    assert [event["seq"] for event in events] == list(range(len(events)))
