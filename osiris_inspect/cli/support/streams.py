"""stdout and stderr, which may be closed, full or without a reader; the only module of the CLI that uses them.

A message that cannot be written to stderr neither ends a run nor changes an exit code.
"""

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Stdout(io.FileIO):
    """Bytes to stdout; all writers use it, also typer and libraries."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write bytes.

        Raises:
            BrokenPipeError: the reader is gone. It has no error number, because typer would exit with 1.
            WrongUse: stdout cannot be written.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            detach(self)
            raise BrokenPipeError("the reader of stdout is gone") from None
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


def _wrapped(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    """Return the stream on top of ``kind``; a terminal stays as it is."""
    if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
        return stream
    stream.flush()
    raw = io.BufferedWriter(kind(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(
        raw,
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def write_stderr(text: str) -> None:
    """Write to stderr; if it cannot be written, the text is dropped."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        detach(sys.stderr)


def write_message(text: str) -> None:
    """Write a message to stderr, with the name of the program in front of each line."""
    for line in text.splitlines():
        write_stderr(f"osiris-inspect: {line}\n")


def write_stdout(text: str) -> None:
    """Write to stdout; a character that its encoding lacks becomes a question mark.

    Raises:
        BrokenPipeError: the reader is gone.
        WrongUse: stdout cannot be written.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        detach(sys.stdout)
        raise
    except OSError as error:  # a terminal that was closed; ``_Stdout`` handles the rest
        from osiris_inspect.cli.support.exit_codes import WrongUse

        detach(sys.stdout)
        raise WrongUse(_output_error(error)) from None


def is_stdout_terminal() -> bool:
    """Return True if stdout is a terminal."""
    return sys.stdout.isatty()


def stdout_buffer() -> BinaryIO:
    """Return stdout for bytes; the caller flushes it."""
    return sys.stdout.buffer


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
