"""Log of the output of drivers, C libraries and child processes, with secrets masked."""

import codecs
import os
import select
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.files.line_file import JsonlFile

_CHUNK: Final = 1 << 16
_POLL_INTERVAL_MS: Final = 100
_MAX_ESCAPED_WIDTH: Final = 16
"""Maximum characters of one character of a secret in escaped form."""


class WorkerLog:
    """Masks and writes bytes that arrive in any pieces.

    Holds back the last characters, which may be the beginning of a secret, until more arrive or ``close``.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        secrets = tuple(secrets)
        self._file = JsonlFile(path)
        self._redactor = Redactor(secrets)
        self._held_back = max(map(len, secrets), default=0) * _MAX_ESCAPED_WIDTH
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self._lock = threading.Lock()
        self._pipe: _PipeReader | None = None

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with self._lock:
            self._text += self._decoder.decode(data)
            self._flush_up_to(len(self._text) - self._held_back)

    def descriptor(self) -> int:
        """Return a file descriptor that a process can print to; ``close`` closes it."""
        if self._pipe is None:
            self._pipe = _PipeReader(self)
        return self._pipe.write_end

    def close(self) -> None:
        """Write the rest, including what is in the pipe; calling it twice is safe."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        with self._lock:
            self._text += self._decoder.decode(b"", final=True)
            self._flush_up_to(len(self._text))
            self._file.close()

    def _flush_up_to(self, end: int) -> None:
        """Write the text before ``end``, or nothing if a secret crosses ``end``."""
        if end <= 0:
            return
        before, after = self._text[:end], self._text[end:]
        masked = self._redactor.redact_text(before)
        if after and masked + self._redactor.redact_text(after) != self._redactor.redact_text(self._text):
            return
        self._text = after
        with suppress(OSError):  # a full disk must not stop the worker; the event log reports it
            self._file.append(masked.encode(errors="surrogateescape"))


class _PipeReader:
    """Pipe, and a thread that copies from it into a log."""

    def __init__(self, log: WorkerLog) -> None:
        self._log = log
        self._read_end, self.write_end = os.pipe2(os.O_CLOEXEC)
        self._is_closed = False
        self._thread = threading.Thread(target=self._copy, name="worker-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Copy the rest, without waiting for a grandchild that keeps the pipe open."""
        os.close(self.write_end)
        self._is_closed = True
        self._thread.join()
        os.close(self._read_end)

    def _copy(self) -> None:
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN)
        while True:
            is_last = self._is_closed  # before the poll: it finds all that was printed before close
            if poll.poll(0 if is_last else _POLL_INTERVAL_MS):
                data = os.read(self._read_end, _CHUNK)
                if not data:
                    return
                self._log.write(data)
            elif is_last:
                return
