"""Lines of a far worker: each once and in order, however the pieces come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.model.errors import WorkerLost
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.transport.message_reassembly import MessageReassembler
from osiris_inspect.runtime.transport.worker_exit import WorkerExit

LINES = [rpc.with_sequence(b'{"type":"response","id":%d}\n' % number, number) for number in range(30)]


def _all(inbox: MessageReassembler) -> list[int | None]:
    inbox.end(WorkerExit("done"))
    got = []
    while True:
        try:
            line = inbox.get(0)
        except WorkerLost:
            return got
        assert line is not None
        got.append(rpc.sequence_of(line))


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(0, 29), st.integers(0, 29), st.booleans())
def test_what_the_stream_loses_comes_from_the_file_each_line_once_and_in_order(
    cuts: list[int], lost_from: int, attached_at: int, replay_twice: bool
) -> None:
    inbox = MessageReassembler()
    for piece in _pieces(b"".join(LINES[:lost_from]) + LINES[lost_from][:9], cuts):
        inbox.feed(piece)
    inbox.reconnect()
    live = b"".join(LINES[max(lost_from, attached_at) :])[5:]  # attached in the middle of a line
    pieces = _pieces(live, cuts)
    for piece in pieces[: len(pieces) // 2]:
        inbox.feed(piece)
    for _ in range(1 + replay_twice):
        inbox.start_file()
        inbox.feed_from_file(b"".join(LINES))
    for piece in pieces[len(pieces) // 2 :]:
        inbox.feed(piece)
    assert _all(inbox) == list(range(30))
    assert inbox.bytes == sum(map(len, LINES))


def _pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    pieces = []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    return [*pieces, data]


def test_a_line_that_came_early_waits_for_those_before_it() -> None:
    inbox = MessageReassembler()
    inbox.feed(LINES[1] + LINES[0])
    assert not inbox.has_gap
    inbox.feed(LINES[3])
    assert inbox.has_gap
    assert _all(inbox) == [0, 1]


def test_the_end_is_said_as_often_as_it_is_asked_for() -> None:
    inbox = MessageReassembler()
    inbox.end(WorkerExit("killed by SIGKILL"))
    inbox.end(WorkerExit("something else later"))
    for _ in range(3):
        with pytest.raises(WorkerLost, match="killed by SIGKILL"):
            inbox.get(None)


def test_without_a_word_within_its_time_there_is_nothing() -> None:
    assert MessageReassembler().get(0) is None
