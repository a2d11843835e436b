"""Interface of a transport: it starts a worker, sends commands and receives messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.transport.remote_files import RemoteFile, RemoteListing
from osiris_inspect.runtime.transport.worker_state import UNKNOWN, WorkerState


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """Parameters of a worker's start.

    Attributes:
        run_dir: the run directory on the host.
        base: the folder that relative paths of the pipeline start from.
        bundle: the contents of the worker.
        permissions: what an isolated worker can access on the host.
        secrets: masked in everything that the worker prints.
        by_place: secrets that are words or names, masked after the key of a secret and in addresses only.
        install: True if missing modules are installed where the worker runs.
        is_cancelled: returns True after the run was interrupted; called between long operations.
        nonce: identifies the run; every line of the worker starts with it.
        memory_bytes: limit of the memory of the worker of one step; None if that of the transport applies.
        on_phase: called at the end of each phase before the start of the worker: name, start by the monotonic clock,
            bytes that were sent.
    """

    run_dir: Path
    base: Path
    bundle: Bundle
    permissions: SandboxPermissions = field(default_factory=SandboxPermissions)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    install: bool = False
    is_cancelled: Callable[[], bool] = field(default=lambda: False)
    nonce: str = ""
    on_phase: Callable[[str, float, int | None], None] = field(default=lambda _name, _start, _bytes: None)
    by_place: tuple[str, ...] = field(default=(), repr=False)
    memory_bytes: int | None = None


class Transport(Protocol):
    """Connection to one worker. Leaving the block ends the worker.

    Attributes:
        mode: mode of the run in the log.
        isolation_level: ``none``, ``landlock``, ``bwrap`` or ``e2b``.
        details: further fields for the log, such as the reasons why a stronger isolation is unavailable.
        is_remote: True if the worker has its own run directory, from which artifacts must be downloaded.
        stages_outputs: True if the worker cannot write the files that the pipeline names: it writes them in the run
            directory, and the host moves them into place.
        limits_memory: True if the worker of one step can have a limit of memory of its own.
        memory_bytes: limit of the memory of each other worker; None without one.
    """

    mode: RunMode
    isolation_level: str
    details: Mapping[str, Any]
    is_remote: bool = False
    stages_outputs: bool = False
    limits_memory: bool = False
    memory_bytes: int | None = None

    def start(self, launch: LaunchSpec) -> str:
        """Start the worker; return the base folder as the worker sees it.

        Raises:
            WorkerStartFailed: the worker did not start; nothing is left behind.
        """

    def send(self, line: bytes) -> None:
        """Send one command, newline included.

        Raises:
            WorkerLost: the worker has ended.
        """

    def receive(self, timeout: float | None) -> bytes | None:
        """Return the next line of the worker; None after ``timeout`` seconds without one.

        Raises:
            WorkerLost: the worker has ended, and all its lines were received.
            MessageTooLarge: a line over the limit was dropped; the next one can be received.
        """

    def sibling(self) -> Self:
        """Return a transport to another worker of the same run; this one is closed last. A remote run has none."""
        raise AssertionError(self)

    def descriptors(self) -> tuple[int, ...]:
        """Return the file descriptors that can be read when ``receive`` has a line, or the worker has ended."""
        return ()

    def kill(self) -> None:
        """End the worker and its child processes now. Lines sent before can still be received."""

    def worker_state(self) -> WorkerState:
        """Return the state of a worker that sends no heartbeats."""
        return UNKNOWN

    def dump_stack(self) -> str | None:
        """Return the Python stack of a hung worker, innermost frame first; None if it cannot be read.

        Continues a stopped worker, so it is called only before ``kill``.
        """
        return None

    def list_remote_files(self, outputs: Sequence[str], max_bytes: tuple[int, int]) -> RemoteListing:
        """Return the files on the side of a remote worker: artifacts, and the existing ones of ``outputs``.

        ``max_bytes`` are the largest artifact and the largest output to hash. The listing comes from the remote
        side and may name any file.

        Raises:
            ProtocolError: the files cannot be listed.
        """
        del outputs, max_bytes
        return RemoteListing()

    def fetch(self, file: RemoteFile, to: int) -> None:
        """Download one of these files into an open empty file.

        Raises:
            ProtocolError: the download failed, or size or hash differ from the listing.
        """
        raise AssertionError(file, to)

    def close(self) -> None:
        """End the worker in order and release all resources; calling it twice is safe."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
