"""Guard against processes that a driver forks: a copy of the worker must not speak for it."""

import mmap
import os
from typing import Final

_EXIT_CODE: Final = 70


class ForkGuard:
    """Tells the worker from its forked copies."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._has_returned = mmap.mmap(-1, 1)  # shared with forked copies
        self._is_notice_printed = False

    def is_worker(self) -> bool:
        """Return False in a forked copy, which may not send messages; its log says so once."""
        if os.getpid() == self._pid:
            return True
        if not self._is_notice_printed:
            self._is_notice_printed = True
            _print(
                f"process {os.getpid()} was forked from the worker; its events and metrics are not recorded"
            )
        return False

    def end_copy(self, step: str) -> None:
        """End this process if it is a forked copy that returned from the driver, as the worker does."""
        if os.getpid() != self._pid:
            self._has_returned[0] = 1
            _print(f"process {os.getpid()} was forked by the driver of step {step!r} and returned from it")
            os._exit(_EXIT_CODE)

    def take_returned(self) -> bool:
        """Return True if a forked copy returned from a driver since the last call."""
        has_returned = bool(self._has_returned[0])
        self._has_returned[0] = 0
        return has_returned


def _print(text: str) -> None:
    os.write(2, f"worker: {text}\n".encode())
