"""Signs of life of a step that says nothing: what tells a slow step from a hung one."""

import resource
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from osiris_inspect.runtime.teller import Teller

EVERY_S: Final = 5.0


class Heart:
    """Beats while a step runs: a ``heartbeat`` event every few seconds, from a thread of its own.

    Attributes:
        phase: what the step is at, ``driving`` or ``keeping``.
    """

    def __init__(self, teller: Teller, step: str, session: Path, sizes: Callable[[], Any]) -> None:
        self.phase = "driving"
        self._rows: int | None = None
        self._teller, self._step, self._session, self._sizes = teller, step, session, sizes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def progress(self, rows: int) -> None:
        """Say how many rows are done so far."""
        self._rows = rows

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stopped.wait(EVERY_S):
            sizes = self._sizes()
            fields = {
                "phase": self.phase,
                "rows": self._rows,
                "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "frames_memory_bytes": sizes.memory_bytes,
                "frames_disk_bytes": sizes.disk_bytes,
                "disk_free_bytes": shutil.disk_usage(self._session).free,
            }
            self._teller.tell("heartbeat", fields, self._step)
