"""stdout and stderr as they may come: closed by whoever started us, full, or without a reader.

What cannot be said to people ends no run and changes no exit code.
"""

import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Stdout(io.FileIO):
    """Bytes to stdout, whoever writes them: also the help of typer, and a library that was handed the stream."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write them.

        Raises:
            BrokenPipeError: nobody reads it any more. It has no number: typer would end with 1 where it sees one.
            WrongUse: it takes nothing; says why.
        """
        try:
            return super().write(data)
        except BrokenPipeError:
            detach(self)
            raise BrokenPipeError("nobody reads stdout any more") from None
        except OSError as error:
            from osiris_inspect.cli.support.exit_codes import WrongUse

            detach(self)
            raise WrongUse(_output_error(error)) from None


class _Stderr(io.FileIO):
    """Bytes to stderr; where it takes none, there is nobody to be told, and that is no reason to fail."""

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write them."""
        try:
            return super().write(data)
        except OSError:
            detach(self)
            return super().write(data)


def setup() -> None:
    """Open nowhere for each of the three that is closed, and see to it that the others may refuse what is written.

    Otherwise the next file that is opened gets its number, and what is said to people stands in that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
            os.set_inheritable(nowhere, True)
            setattr(sys, name, os.fdopen(nowhere, "r" if number == 0 else "w", closefd=False))
    sys.stdout, sys.stderr = _wrapped(sys.stdout, _Stdout), _wrapped(sys.stderr, _Stderr)


def _wrapped(stream: TextIO, kind: type[io.FileIO]) -> TextIO:
    """The same stream by way of ``kind``; a terminal, which takes everything until it is closed, stays as it is."""
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
    """Write to stderr, for people; where it takes nothing, there is nobody to be told."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        detach(sys.stderr)


def write_message(text: str) -> None:
    """Write one message to stderr, with the name of the program in front."""
    write_stderr(f"osiris-inspect: {text}\n")


def is_stdout_terminal() -> bool:
    """Return True if stdout is a terminal."""
    return sys.stdout.isatty()


def stdout_buffer() -> BinaryIO:
    """Return stdout for bytes; the caller flushes it."""
    return sys.stdout.buffer


def write_stdout(text: str) -> None:
    """Write to stdout.

    Raises:
        BrokenPipeError: nobody reads it any more.
        WrongUse: it takes nothing; says why.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        detach(sys.stdout)
        raise
    except OSError as error:  # a terminal that was closed; all else is ``_Stdout``'s
        from osiris_inspect.cli.support.exit_codes import WrongUse

        detach(sys.stdout)
        raise WrongUse(_output_error(error)) from None


def _output_error(error: OSError) -> str:
    return f"stdout cannot be written: {(error.strerror or str(error)).lower()}; send it somewhere else"


def detach(stream: TextIO | io.FileIO) -> None:
    """Go on without whoever took what is written here: what Python writes while it ends goes nowhere."""
    with suppress(OSError, ValueError):  # a stream without a descriptor: nothing is written to it at the end
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
