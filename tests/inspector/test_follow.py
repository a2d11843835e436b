import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.event_log.follow import INTERVAL, LogFollower, follow
from osiris_inspect.model.errors import RunNotReadable

LAST = b'{"event":"run_end","status":"success"}'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def append(log: Path, content: bytes) -> None:
    with log.open("ab") as stream:
        stream.write(content)


def new(tail: LogFollower) -> list[tuple[int, bytes]]:
    return list(tail.new_lines())


def test_each_look_gives_what_was_added(log: Path) -> None:
    append(log, b"one\ntwo\n")
    with LogFollower(log) as tail:
        assert new(tail) == [(1, b"one"), (2, b"two")]
        assert new(tail) == []
        append(log, b"three\n")
        assert new(tail) == [(3, b"three")]


def test_a_line_is_given_when_it_is_ended(log: Path) -> None:
    append(log, b"one\nhal")
    with LogFollower(log) as tail:
        assert new(tail) == [(1, b"one")]
        append(log, b"f a line")
        assert new(tail) == []
        append(log, b"\nmore\n")
        assert new(tail) == [(2, b"half a line"), (3, b"more")]


def test_a_log_that_is_not_there_yet_is_waited_for(log: Path) -> None:
    with LogFollower(log) as tail:
        assert new(tail) == []
        append(log, b"one\n")
        assert new(tail) == [(1, b"one")]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_follow_rejects_path_without_lines(log: Path, make: Callable[[Path], None]) -> None:
    make(log)
    with pytest.raises(RunNotReadable, match="not a regular file"):
        list(follow(log, sleep=lambda _seconds: True))


@pytest.mark.parametrize("target", ["../outside.jsonl", "/dev/zero"])
def test_follow_rejects_link_out_of_the_run(log: Path, target: str) -> None:
    (log.parent.parent / "outside.jsonl").write_text("outside\n")
    log.symlink_to(target)
    with pytest.raises(RunNotReadable, match="outside of the run directory"):
        list(follow(log, sleep=lambda _seconds: True))


def test_a_log_that_was_cut_begins_again(log: Path) -> None:
    append(log, b"one\ntwo\n")
    with LogFollower(log) as tail:
        new(tail)
        log.write_bytes(b"1\n")
        assert new(tail) == [(1, b"1")]


def test_a_log_that_was_cut_and_has_grown_beyond_begins_again(log: Path) -> None:
    append(log, b"one\ntwo\n")
    with LogFollower(log) as tail:
        new(tail)
        log.write_bytes(b"another first line\nanother second line\n")
        assert new(tail) == [(1, b"another first line"), (2, b"another second line")]


def test_a_log_that_was_rotated_is_read_to_its_end_and_the_new_one_from_its_beginning(log: Path) -> None:
    append(log, b"one\n")
    with LogFollower(log) as tail:
        new(tail)
        append(log, b"two\nlast words")
        log.rename(log.with_suffix(".1"))
        assert new(tail) == [(2, b"two")]
        append(log, b"new\n")
        assert new(tail) == [(3, b"last words"), (1, b"new")]


def test_a_line_over_the_limit_is_counted_and_left_out(log: Path) -> None:
    append(log, b"one\n" + b"x" * (17 << 20))
    with LogFollower(log) as tail:
        assert new(tail) == [(1, b"one")]
        append(log, b"x" * 10 + b"\nthree\n")
        assert new(tail) == [(3, b"three")]


def test_nothing_is_held_open_afterwards(log: Path) -> None:
    append(log, b"one\n")
    before = os.listdir("/proc/self/fd")  # noqa: PTH208  pathlib would hold the folder open while it lists
    with LogFollower(log) as tail:
        new(tail)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208  the same


@settings(deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=20))
def test_whatever_the_pieces_the_lines_are_those_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    log = tmp_path_factory.mktemp("log") / "events.jsonl"
    log.write_bytes(b"")
    seen: list[bytes] = []
    with LogFollower(log) as tail:
        for piece in pieces:
            append(log, piece)
            seen += [line for _, line in tail.new_lines()]
    assert seen == b"".join(pieces).split(b"\n")[:-1]


def writing(log: Path, pieces: list[bytes]) -> Callable[[float], bool]:
    """A wait in which somebody writes the next piece; it ends the following when there is none left."""
    left: Iterator[bytes] = iter(pieces)

    def wait(seconds: float) -> bool:
        assert 0 < seconds <= 0.25
        piece = next(left, None)
        if piece is not None:
            append(log, piece)
        return piece is None

    return wait


def test_following_ends_by_itself_at_the_end_of_the_run(log: Path) -> None:
    pieces = [b"one\n", b"", LAST[:10], LAST[10:] + b"\n", b"never seen\n"]
    assert list(follow(log, sleep=writing(log, pieces))) == [[(1, b"one")], [(2, LAST)]]


def test_a_text_that_only_speaks_of_the_end_ends_nothing(log: Path) -> None:
    pieces = [b'{"event":"log","text":"run_end"}\n', b"run_end\n", b"more\n"]
    assert [number for batch in follow(log, sleep=writing(log, pieces)) for number, _ in batch] == [1, 2, 3]


def test_the_one_who_waits_can_end_it(log: Path) -> None:
    append(log, b"one\n")
    assert list(follow(log, sleep=lambda _seconds: True)) == [[(1, b"one")]]


def patient(rounds: int) -> Callable[[float], bool]:
    """A wait that ends the following after so many looks."""
    left = iter(range(rounds))
    return lambda _seconds: next(left, None) is None


LOCKED = b'{"event":"run_start","locked":true}'


@contextmanager
def held(log: Path) -> Iterator[int]:
    """A log that is open and locked, as our own runs keep theirs."""
    with log.open("ab", buffering=0) as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()


def test_a_locked_log_is_waited_for(log: Path) -> None:
    cut: list[bool] = []
    append(log, LOCKED + b"\n")
    with held(log):
        assert len(list(follow(log, sleep=patient(5), on_truncated=lambda: cut.append(True)))) == 1
    assert cut == []


@pytest.mark.parametrize("rest", [b"", b'{"event":"to'])
def test_a_log_whose_lock_is_gone_ends_without_its_last_word(log: Path, rest: bytes) -> None:
    cut: list[bool] = []
    append(log, LOCKED + b"\n" + rest)
    lines = [
        line
        for batch in follow(log, sleep=patient(99), on_truncated=lambda: cut.append(True))
        for line in batch
    ]
    assert lines == [(1, LOCKED), *([(2, rest)] if rest else [])]
    assert cut == [True]


def test_what_is_written_before_the_lock_goes_is_read(log: Path) -> None:
    cut: list[bool] = []
    append(log, LOCKED + b"\n")
    with ExitStack() as stack:
        descriptor = stack.enter_context(held(log))
        looks = iter(range(99))

        def wait(_seconds: float) -> bool:
            if next(looks) == 3:
                os.write(descriptor, b"more\n" + LAST + b"\n")
                stack.close()
            return False

        assert list(follow(log, sleep=wait, on_truncated=lambda: cut.append(True)))[-1] == [
            (2, b"more"),
            (3, LAST),
        ]
    assert cut == []


@pytest.mark.parametrize(
    "start",
    [
        b'{"event":"run_start"}',
        b'{"event":"run_start","locked":false}',
        b'{"event":"log","text":"\\"locked\\""}',
    ],
)
def test_a_log_that_never_was_locked_is_waited_for(log: Path, start: bytes) -> None:
    cut: list[bool] = []
    append(log, start + b"\n")
    assert len(list(follow(log, sleep=patient(5), on_truncated=lambda: cut.append(True)))) == 1
    assert cut == []


WRITER = """
import sys
from pathlib import Path
from osiris_inspect.runtime.files.line_file import JsonlFile
log = JsonlFile(Path(sys.argv[1]), locked=True)
log.write(b'{"event":"run_start","locked":true}')
print(log.is_locked, flush=True)
sys.stdin.read()
"""


def test_following_ends_when_the_writer_is_killed(log: Path) -> None:
    cut: list[bool] = []
    words = [sys.executable, "-c", WRITER, str(log)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"True\n"
        looks = iter(range(99))

        def wait(_seconds: float) -> bool:
            if next(looks) == 3:
                writer.kill()
                writer.wait()
            return False

        assert list(follow(log, sleep=wait, on_truncated=lambda: cut.append(True))) == [[(1, LOCKED)]]
    assert cut == [True]


def test_a_line_is_seen_within_a_quarter_of_a_second(log: Path) -> None:
    append(log, b"")
    seen, stop = threading.Event(), threading.Event()

    def read() -> None:
        for _batch in follow(log, sleep=stop.wait):
            seen.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        append(log, b"one\n")
        assert seen.wait(0.25 + 2.0)  # the machine that runs the tests may be busy
    finally:
        stop.set()
        reader.join()
    assert INTERVAL <= 0.2
