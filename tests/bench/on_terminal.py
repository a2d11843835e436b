"""A long log, and programs that show it on a terminal of their own."""

import os
import pty
import signal
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fcntl import ioctl
from termios import TIOCSWINSZ

FAILURE = "went away"
"""What is said of the failure near the end of the log, and nowhere before."""


def lines(count: int) -> Iterator[str]:
    """A log of so many lines, of one step that fails near its end."""
    yield _line(0, "run_start", '"pipeline":"long"')
    yield _line(1, "step_start", '"step_id":"extract-movies","driver":"mysql.extractor"')
    for number in range(2, count - 2):
        yield _line(
            number,
            "heartbeat",
            f'"step_id":"extract-movies","phase":"reading","rows":{number},"rss_bytes":123456789',
        )
    yield _line(count - 2, "step_failed", '"step_id":"extract-movies","error":"the server ' + FAILURE + '"')
    yield _line(count - 1, "run_end", '"status":"failed"')


def _line(number: int, name: str, rest: str) -> str:
    minute, second = divmod(number // 1_000, 60)
    moment = f"2026-11-22T{minute // 60 % 24:02}:{minute % 60:02}:{second:02}.{number % 1_000:03}000+00:00"
    return f'{{"ts":"{moment}","seq":{number},"session":"run_1","event":"{name}","side":"worker",{rest}}}\n'


@contextmanager
def terminal(
    command: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[tuple[int, int, float]]:
    """A program on a terminal of its own of 120x40: its id, the terminal, and when it began."""
    begin = time.perf_counter()
    child, screen = pty.fork()
    if child == 0:
        for told in ("COLUMNS", "LINES"):  # the size is that of the terminal
            os.environ.pop(told, None)
        ioctl(0, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execve(command[0], command, {**os.environ, "TERM": "xterm-256color", **(variables or {})})
    try:
        yield child, screen, begin
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(screen)
