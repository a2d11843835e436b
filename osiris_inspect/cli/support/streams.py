"""stdout and stderr, which may be closed, full or without a reader; the only module of the CLI that uses them.

Everything that is written to them, by libraries too, is sanitized for terminals and CI systems. A message that cannot be
written to stderr neither ends a run nor changes an exit code.
"""

import io
import os
import shutil
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from osiris_inspect.base.text.terminal_text import escape_json, terminal_text

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


SYMBOLS = "✓⊘━┃▌…→"
"""Some symbols of reports and screens; an encoding without one of them gets ASCII in their place."""


class ReaderGone(Exception):
    """The reader of stdout has exited. It is not an OSError, for which typer and rich exit with 1."""


class OutputStream(io.TextIOWrapper):
    """stdout or stderr; libraries call ``write``, which keeps lines and colours and nothing else that acts.

    Attributes:
        is_ascii: True if symbols and lines are written as ASCII characters.
    """

    is_ascii = False

    def write(self, text: str, /) -> int:
        """Write a text that may have colours."""
        self.control(terminal_text(text, colors=True))
        return len(text)

    def control(self, text: str) -> None:
        """Write what the program built: sequences for the terminal, commands of CI systems, escaped JSON."""
        if self.is_ascii and not text.isascii():
            from osiris_inspect.base.text.ascii_symbols import ASCII

            text = text.translate(ASCII)
        super().write(text)


class _Stdout(io.FileIO):
    """Bytes to stdout; all writers use it, also typer and libraries."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write bytes.

        Raises:
            ReaderGone: the reader of stdout has exited.
            WrongUse: stdout cannot be written.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            detach(self)
            raise ReaderGone from None
        except OSError as error:
            from osiris_inspect.cli.support.exit_codes import WrongUse

            detach(self)
            raise WrongUse(_output_error(error)) from None


class _Stderr(io.FileIO):
    """Bytes to stderr; if it cannot be written, they are dropped."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write bytes."""
        try:
            return super().write(data)
        except OSError:
            detach(self)
            return super().write(data)


class _SanitizedBytes(io.RawIOBase):
    """Text in UTF-8 for stdout, for writers of bytes."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write whole lines."""
        write_text(sys.stdout, bytes(data).decode("utf-8", "replace"))
        return len(bytes(data))

    def flush(self) -> None:
        """Flush stdout."""
        sys.stdout.flush()


def setup() -> None:
    """Open /dev/null for each of the three streams that is closed, and handle write errors of stdout and stderr.

    Otherwise the next file that is opened gets the number of the stream, and messages are written into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
            os.set_inheritable(null, True)
            setattr(sys, name, os.fdopen(null, "r" if number == 0 else "w", closefd=False))
    sys.stdout, sys.stderr = _wrapped(sys.stdout, _Stdout), _wrapped(sys.stderr, _Stderr)


def free_stderr_descriptor() -> bool:
    """Write stderr to a copy of descriptor 2, so that 2 can be redirected; return False if stderr is not ours."""
    if not isinstance(sys.stderr, OutputStream):
        return False
    if sys.stderr.fileno() == 2:
        sys.stderr = _wrapped(sys.stderr, _Stderr, os.dup(2))
    return True


def _wrapped(stream: TextIO, kind: type[io.FileIO], descriptor: int | None = None) -> TextIO:
    """Return the stream on top of ``kind``, sanitized; a character that its encoding lacks becomes a question mark."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    raw = io.BufferedWriter(kind(stream.fileno() if descriptor is None else descriptor, "w", closefd=False))
    output = OutputStream(
        raw,
        stream.encoding,
        "replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    output.is_ascii = _lacks_symbols(output)
    return output


def _lacks_symbols(stream: TextIO) -> bool:
    """Return True if the encoding of a stream lacks the symbols of reports, or if the user of a terminal wants ASCII."""
    encoded = SYMBOLS.encode(stream.encoding, "replace")
    is_known = encoded.decode(stream.encoding, "replace") == SYMBOLS
    return not is_known or (bool(os.environ.get("OSIRIS_INSPECT_ASCII")) and stream.isatty())


def write_text(stream: TextIO, text: str, *, control: str = "", colors: bool = False) -> None:
    """Write ``control``, which the program built, then ``text`` without what acts on a terminal or a CI system."""
    write = getattr(stream, "control", stream.write)  # a stream of a caller has no ``control``
    write(control + terminal_text(text, colors=colors))


def write_stderr(text: str) -> None:
    """Write a text to stderr; if it cannot be written, the text is dropped."""
    try:
        write_text(sys.stderr, text)
        sys.stderr.flush()
    except (OSError, ValueError):
        detach(sys.stderr)


def write_message(text: str) -> None:
    """Write a message to stderr, with the name of the program in front of each line."""
    for line in text.splitlines():
        write_stderr(f"osiris-inspect: {line}\n")


def write_stdout(text: str, *, control: str = "", colors: bool = False) -> None:
    """Write to stdout, see ``write_text``.

    Raises:
        ReaderGone: the reader of stdout has exited.
        WrongUse: stdout cannot be written.
    """
    write_text(sys.stdout, text, control=control, colors=colors)
    sys.stdout.flush()


def write_json(document: str) -> None:
    """Write JSON to stdout with acting characters escaped, so that its value is the same on a terminal and in a file.

    Raises:
        ReaderGone: the reader of stdout has exited.
        WrongUse: stdout cannot be written.
    """
    write_stdout("", control=escape_json(document))


def check_reader() -> None:
    """Check that the reader of stdout, if that is a pipe, has not exited: a search may have nothing to write for long.

    Raises:
        ReaderGone: it has exited.
    """
    import select

    poll = select.poll()
    with suppress(OSError, ValueError):  # a stream without a descriptor has no reader
        poll.register(sys.stdout.fileno(), 0)
    if any(event & select.POLLERR for _, event in poll.poll(0)):
        detach_stdout()
        raise ReaderGone


def lend_stdout(descriptor: int) -> int:
    """Send stdout to another descriptor, which is closed here, and return a copy of the descriptor before."""
    sys.stdout.flush()
    before = os.dup(sys.stdout.fileno())
    os.dup2(descriptor, sys.stdout.fileno())
    os.close(descriptor)
    return before


def is_stdout_terminal() -> bool:
    """Return True if stdout is a terminal."""
    return sys.stdout.isatty()


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout is; None if it is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def is_stdout_shown() -> bool:
    """Return True if stdout is a terminal or the log of a CI job, where data must not act; False for files and pipes.

    The log of a CI job is a pipe, like the input of another command, so there only a file is data.
    """
    if sys.stdout.isatty():
        return True
    is_ci = os.environ.get("GITHUB_ACTIONS") == "true" or os.environ.get("TF_BUILD", "").lower() == "true"
    return is_ci and not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)


def stdout_buffer() -> BinaryIO:
    """Return stdout for exact bytes; the caller flushes it."""
    return sys.stdout.buffer


def sanitized_stdout() -> BinaryIO:
    """Return stdout for whole lines of UTF-8, which are sanitized; the caller flushes it."""
    return cast(BinaryIO, _SanitizedBytes())


def stdout() -> TextIO:
    """Return stdout; the caller flushes it."""
    return sys.stdout


def stderr() -> TextIO:
    """Return stderr."""
    return sys.stderr


def flush() -> None:
    """Flush stdout and stderr."""
    sys.stdout.flush()
    sys.stderr.flush()


def detach_stdout() -> None:
    """Drop what Python still writes to stdout while it exits: its reader is gone."""
    detach(sys.stdout)


def detach(stream: TextIO | io.FileIO) -> None:
    """Send everything that is still written to the stream to /dev/null."""
    with suppress(OSError, ValueError):  # a stream without a descriptor: nothing is written to it at exit
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def _output_error(error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"stdout cannot be written: {reason}; send it somewhere else"
