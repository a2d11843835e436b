"""Transports: how commands reach a worker, and what it says comes back."""

from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

Mode = Literal["local", "sandbox", "e2b"]


class Transport(Protocol):
    """A way to one worker. A context manager: what it started is ended when it is left, whatever happened.

    Attributes:
        mode: what the run calls itself.
        isolation: how far the worker is kept apart: ``none``, ``process``, …
    """

    mode: Mode
    isolation: str

    def start(self, session: Path, base: Path) -> None:
        """Start a worker on the run directory ``session``; paths of the pipeline start from ``base``."""

    def send(self, line: bytes) -> None:
        """Hand over one command, newline included.

        Raises:
            WorkerLost: nobody takes it any more.
        """

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line the worker said, None where ``timeout`` seconds passed without one.

        Raises:
            WorkerLost: it will say no more; all it said before has been received.
        """

    def kill(self) -> None:
        """End the worker and all it started, now."""

    def close(self) -> None:
        """End the worker in order and let go of everything; a second time does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
