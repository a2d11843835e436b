"""Transports: how commands reach a worker, and what it says comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.sandbox.isolation import SandboxPermissions


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """What a worker is started with.

    Attributes:
        session: the run directory on the host.
        base: the folder that relative paths of the pipeline start from.
        parcel: what the worker is given.
        grants: what of the host an isolated worker can reach.
        secrets: what is masked in all that the worker prints.
        install: whether missing modules are installed where the worker is.
        given_up: whether the run was interrupted; asked while something takes long.
    """

    run_dir: Path
    base: Path
    bundle: Bundle
    permissions: SandboxPermissions = field(default_factory=SandboxPermissions)
    secrets: tuple[str, ...] = ()
    install: bool = False
    is_cancelled: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that lies where the worker is and not on the host. ``path`` starts from the host's folder it belongs to."""

    path: str
    bytes: int
    sha256: str
    is_output: bool = False


class Transport(Protocol):
    """A way to one worker. A context manager: what it started is ended when it is left, whatever happened.

    Attributes:
        mode: what the run calls itself.
        isolation: how far the worker is kept apart: ``none``, ``landlock``, ``bwrap``, ``e2b``.
        facts: what else a reader of the log should know of that, such as why it is not kept further apart.
        is_far: whether the worker has a run directory of its own, from which artifacts must be brought back.
    """

    mode: RunMode
    isolation_level: str
    details: Mapping[str, Any]
    is_remote: bool

    def start(self, launch: LaunchSpec) -> str:
        """Start a worker; gives the folder its relative paths start from, as the worker sees it.

        Raises:
            WorkerStartFailed: it could not be had; nothing was left behind.
        """

    def send(self, line: bytes) -> None:
        """Hand over one command, newline included.

        Raises:
            WorkerLost: nobody takes it any more.
        """

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line the worker said, None where ``timeout`` seconds passed without one.

        Raises:
            WorkerLost: it will say no more; all it said before has been received.
            MessageTooLarge: a line over the limit was thrown away; the next one can be received.
        """

    def kill(self) -> None:
        """End the worker and all it started, now. What it said before can still be received."""

    def list_remote_files(self) -> list[RemoteFile]:
        """The files that lie only where the worker is; none where it is near."""

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Bring one of them to the host, whole.

        Raises:
            ProtocolError: it did not arrive as it is there; ``to`` is not written.
        """

    def close(self) -> None:
        """End the worker in order and let go of everything; a second time does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
