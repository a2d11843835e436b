"""A way to stop a step that runs in a thread, where nothing can be killed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CancelToken:
    """Asked once, heard by whoever is at work: a driver names what interrupts the call it is in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], None]] = []

    @contextmanager
    def on_cancel(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """While inside, ``ask`` calls ``interrupt``, from another thread."""
        with self._lock:
            self._interrupts.append(interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._interrupts.remove(interrupt)

    def cancel(self) -> None:
        """Interrupt what is at work now."""
        with self._lock:
            for interrupt in self._interrupts:
                interrupt()
