"""Output on a terminal through the user's pager, as git does it."""

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse

_LESS = "FRX"
"""Options of less if the user has not set LESS: exit if it fits on one screen, show colors, keep the text on the screen."""


@contextmanager
def paged(*, enabled: bool) -> Iterator[None]:
    """Send stdout through ``$PAGER``, or less, if it is a terminal; the pager has ended when the block is left.

    Without a pager, or if ``PAGER`` is empty or ``cat``, stdout is the terminal. The end of the pager ends the block.

    Raises:
        WrongUse: ``PAGER`` is not a command.
    """
    command = _command() if enabled and streams.is_stdout_terminal() else []
    if command in ([], ["cat"]):
        yield
        return
    try:
        pager = subprocess.Popen(command, stdin=subprocess.PIPE, env={"LESS": _LESS, **os.environ})
    except OSError:  # such as a container without less
        yield
        return
    assert pager.stdin is not None  # noqa: S101  it is a pipe
    terminal = streams.lend_stdout(os.dup(pager.stdin.fileno()))
    pager.stdin.close()
    try:
        yield
    finally:
        with suppress(streams.ReaderGone):
            streams.flush()
        os.close(streams.lend_stdout(terminal))
        while pager.poll() is None:
            with suppress(KeyboardInterrupt):  # is for the pager
                pager.wait()


def _command() -> list[str]:
    text = os.environ.get("PAGER", "less")
    try:
        return shlex.split(text)
    except ValueError:
        raise WrongUse(f"cannot start the pager {text!r}: a quote is not closed; correct PAGER") from None
