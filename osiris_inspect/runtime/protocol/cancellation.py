"""Cancellation of a step that runs in a thread, which cannot be killed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CancelToken:
    """Cancellation token. A driver registers a callback that interrupts its blocking call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []

    @contextmanager
    def on_cancel(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Register ``interrupt`` inside the block; ``cancel`` calls it from another thread."""
        with self._lock:
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    def cancel(self) -> None:
        """Call every registered interrupt."""
        with self._lock:
            for interrupt in self._interrupts:
                interrupt()
