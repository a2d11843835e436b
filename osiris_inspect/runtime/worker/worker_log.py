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

HEAD_BYTES: Final = 8 << 20
"""Bytes at the start of a long log that are kept."""
TAIL_BYTES: Final = 8 << 20
"""Bytes at the end of a long log that are kept; up to twice as many until the next cut."""
_RECENT_BYTES: Final = 64 << 10
_CHUNK: Final = 1 << 16
_POLL_INTERVAL_MS: Final = 100


class WorkerLog:
    """Masks and writes bytes that arrive in any pieces.

    Holds back the last characters, which may be the beginning of a secret, until more arrive or ``close``. Of a
    log above ``HEAD_BYTES`` and twice ``TAIL_BYTES`` the middle is left out, with a line that says how much.

    Attributes:
        size: bytes written so far, also those that are left out.
    """

    def __init__(self, path: Path, secrets: Iterable[str] = (), by_place: Iterable[str] = ()) -> None:
        self._file = JsonlFile(path)
        self._redactor = Redactor(secrets, by_place)
        self._held_back = self._redactor.max_length
        self._text = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogateescape")
        self.size = 0
        self._head_end = self._tail_start = self._left_out = 0
        self._recent = b""
        self._lock = threading.Lock()
        self._pipe: _PipeReader | None = None

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with self._lock:
            self._text += self._decoder.decode(data)
            if len(self._text) >= 2 * self._held_back:  # each character is searched twice, not once a line
                self._flush_up_to(len(self._text) - self._held_back)

    def descriptor(self) -> int:
        """Return a file descriptor that a process can print to; ``close`` closes it."""
        if self._pipe is None:
            self._pipe = _PipeReader(self)
        return self._pipe.write_end

    def recent_text(self, start: int) -> str:
        """Return the text after the first ``start`` bytes, as far as it is among the last ones."""
        with self._lock:
            recent = self._recent + self._redactor.redact_text(self._text).encode(errors="replace")
            begin = self.size - len(self._recent)
        return recent[max(0, start - begin) :].decode(errors="replace")

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
        """Write the text before ``end``, or before a secret that crosses ``end``."""
        if end <= 0:
            return
        masked, end = self._redactor.redact_up_to(self._text, end)
        self._text = self._text[end:]
        data = masked.encode(errors="surrogateescape")
        self.size += len(data)
        self._recent = (self._recent + data)[-_RECENT_BYTES:]
        with suppress(OSError):  # a full disk must not stop the worker; the event log reports it
            self._file.append(data)
            if self._file.size > HEAD_BYTES + 2 * TAIL_BYTES:
                self._cut_middle()

    def _cut_middle(self) -> None:
        """Leave out what is between the first and the last bytes, whole lines where there are any."""
        if not self._head_end:
            self._head_end = self._tail_start = self._file.read(0, HEAD_BYTES).rfind(b"\n") + 1 or HEAD_BYTES
        size = self._file.size
        tail = self._file.read(size - TAIL_BYTES, TAIL_BYTES)
        tail = tail[tail.find(b"\n") + 1 :]
        self._left_out += size - self._tail_start - len(tail)
        note = b"\n[%d bytes of this log were left out here]\n\n" % self._left_out
        self._file.truncate(self._head_end)
        self._file.append(note + tail)
        self._tail_start = self._head_end + len(note)


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
