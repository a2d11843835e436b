"""The worker's log: what drivers, C libraries and child processes print, secrets masked before a byte is written."""

import codecs
import os
import select
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime.files.line_file import JsonlFile

_CHUNK: Final = 1 << 16
_MAX_ESCAPED_WIDTH: Final = 16
"""Characters that one of a secret may become in its widest escaped form."""


class WorkerLog:
    """Takes bytes, writes them masked. A secret that is cut into pieces on its way is masked all the same.

    The last few characters are held back while they could be the beginning of a secret; ``close`` writes them.

    Attributes:
        refused: why something could not be written, None while all could. The worker is never made to wait for that.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = ()) -> None:
        secrets = tuple(secrets)
        self.refused: OSError | None = None
        self._file = JsonlFile(path)
        self._redactor = Redactor(secrets)
        self._held_back = max(map(len, secrets), default=0) * _MAX_ESCAPED_WIDTH
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self._lock = threading.Lock()
        self._pipe: _PipeReader | None = None

    def write(self, data: bytes) -> None:
        """Take more bytes, cut anywhere."""
        with self._lock:
            self._text += self._decoder.decode(data)
            self._flush_up_to(len(self._text) - self._held_back)

    def descriptor(self) -> int:
        """Where a process can print into this log; a thread copies. Closed with the log."""
        if self._pipe is None:
            self._pipe = _PipeReader(self)
        return self._pipe.end

    def close(self) -> None:
        """Write what is left, also what is still in the pipe; a second time does nothing."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        with self._lock:
            self._text += self._decoder.decode(b"", final=True)
            self._flush_up_to(len(self._text))
            self._file.close()

    def _flush_up_to(self, upto: int) -> None:
        """Write the text before ``upto`` unless a secret stands across it: then all of it waits for more."""
        if upto <= 0:
            return
        before, after = self._text[:upto], self._text[upto:]
        masked = self._redactor.redact_text(before)
        if after and masked + self._redactor.redact_text(after) != self._redactor.redact_text(self._text):
            return
        self._text = after
        try:
            self._file.append(masked.encode(errors="surrogateescape"))
        except OSError as error:
            self.refused = error


class _PipeReader:
    """A pipe into a log, and the thread that copies."""

    def __init__(self, log: WorkerLog) -> None:
        self._log = log
        self._from, self.end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._from, False)
        self._wake_from, self._wake = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._copy, name="worker-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self.end)
        os.close(self._wake)  # a grandchild may hold the other end open for ever: do not wait for that
        self._thread.join()
        os.close(self._from)
        os.close(self._wake_from)

    def _copy(self) -> None:
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        poll.register(self._wake_from, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            data = self._read()
            if data:
                self._log.write(data)
            elif data is not None or self._wake_from in ready:
                return

    def _read(self) -> bytes | None:
        """What is in the pipe, None where nothing is yet, empty at its end."""
        try:
            return os.read(self._from, _CHUNK)
        except BlockingIOError:
            return None
