"""Flag for SIGINT, SIGTERM and SIGHUP, which is polled instead of raising an exception anywhere."""

import signal
from contextlib import suppress
from time import monotonic, sleep
from types import FrameType
from typing import Any, Final, Self

_POLL_S: Final = 0.05
_MAX_SIGNALS: Final = 3
"""The signal of this number raises KeyboardInterrupt: the user does not want to wait."""


class SignalFlag:
    """Counts SIGINT, SIGTERM and SIGHUP inside the block, so that a run ends in order in every phase.

    Only the main thread can handle signals; in other threads it does nothing. Ignored signals (nohup) stay
    ignored.
    """

    def __init__(self) -> None:
        self._count = 0
        self._name: str | None = None
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def is_set(self) -> bool:
        """True if a signal arrived."""
        return self._count > 0

    @property
    def count(self) -> int:
        """Number of signals that arrived."""
        return self._count

    @property
    def name(self) -> str | None:
        """Name of the first signal that arrived, such as ``SIGINT``; None if none arrived."""
        return self._name

    def wait(self, seconds: float) -> bool:
        """Wait for so many seconds, or until a signal arrives; return True if one did."""
        deadline = monotonic() + seconds
        while not self.is_set and (left := deadline - monotonic()) > 0:
            sleep(min(left, _POLL_S))  # a signal does not end a sleep
        return self.is_set

    def clear(self) -> None:
        """Forget the signals that arrived."""
        self._count, self._name = 0, None

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            previous = signal.getsignal(number)
            if previous not in (signal.SIG_IGN, None):
                with suppress(ValueError):  # not the main thread
                    signal.signal(number, self._on_signal)
                    self._previous[number] = previous
        return self

    def __exit__(self, *_: object) -> None:
        while self._previous:
            signal.signal(*self._previous.popitem())

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._name = self._name or signal.Signals(number).name
        self._count += 1
        if self._count >= _MAX_SIGNALS:
            raise KeyboardInterrupt
