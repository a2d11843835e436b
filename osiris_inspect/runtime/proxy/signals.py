"""Ctrl-C, SIGTERM and a terminal that is closed, as a question that is asked instead of an exception that strikes anywhere."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

_MAX_SIGNALS: Final = 3
"""The signal of that number strikes at once: somebody does not want to wait for an end in order."""


class SignalFlag:
    """While entered, SIGINT, SIGTERM and SIGHUP are counted, so that a run ends in order in every phase.

    Outside the main thread nobody may listen to signals: there they do what they did before.
    """

    def __init__(self) -> None:
        self._count = 0
        self._before: list[tuple[signal.Signals, Any]] = []

    @property
    def is_set(self) -> bool:
        """Whether one came since this was entered."""
        return self._count > 0

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = _install_handler(number, self._on_signal)
            if before is not None:
                self._before.append((number, before))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._before:
            signal.signal(*self._before.pop())

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._count += 1
        if self._count >= _MAX_SIGNALS:
            raise KeyboardInterrupt


def _install_handler(number: signal.Signals, take: Callable[[int, FrameType | None], None]) -> Any:
    """Listen, and give what listened before; None where this thread may not."""
    if signal.getsignal(number) is signal.SIG_IGN:
        return None  # nohup: whoever started us wants this signal to mean nothing
    try:
        return signal.signal(number, take)
    except ValueError:
        return None
