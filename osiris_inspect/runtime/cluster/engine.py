"""Interface of an engine: it places tasks on machines, queues them, reports what happens, and cancels them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from osiris_inspect.runtime.cluster.chain_request import ChainResult, ChainSecrets


@dataclass(frozen=True, slots=True)
class Machine:
    """Machine of a cluster, as the engine names it."""

    name: str
    address: str
    threads: int
    memory_bytes: int | None = None
    resources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """Attempt of a chain for the engine.

    Attributes:
        data: the request of the chain, as JSON.
        inputs: chains whose frames it takes; the engine knows where they are and how large.
        priority: tasks with a larger one run first.
        memory_bytes: memory that its machine must have; None for any machine.
        resources: resources that its machine must have free, by name.
    """

    run: str
    chain: str
    attempt: int
    data: bytes
    inputs: Sequence[str] = ()
    priority: int = 0
    memory_bytes: int | None = None
    resources: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinesReceived:
    """Lines of an attempt; ``first`` is the number of the first one, from 0."""

    chain: str
    attempt: int
    node: str
    address: str
    first: int
    lines: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SecretsWanted:
    """A machine that was given an attempt waits for the secrets of its chain."""

    chain: str
    attempt: int
    address: str


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A node returned a result."""

    chain: str
    attempt: int
    result: ChainResult


@dataclass(frozen=True, slots=True)
class TaskLost:
    """A task ended without a result."""

    chain: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class MachineChanged:
    """A machine joined or left; ``reason`` is that of the engine, if it has one."""

    action: str
    address: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The engine ended, or it cannot be reached. It sends no further event until it is opened again."""

    reason: str


EngineEvent = LinesReceived | SecretsWanted | TaskDone | TaskLost | MachineChanged | EngineLost


class Engine(Protocol):
    """Connection of one run to an engine."""

    name: str

    @property
    def details(self) -> Mapping[str, Any]:
        """Versions and address, for the log."""

    @property
    def can_send_secrets(self) -> bool:
        """True if connections to all machines are encrypted or stay on this machine."""

    def open(self, timeout_s: float) -> None:
        """Connect, again if the connection was lost.

        Raises:
            ProtocolError: the engine was not reached in time, or its versions differ.
        """

    def machines(self) -> tuple[Machine, ...]:
        """Return the machines that are known now."""

    def submit(self, request: TaskRequest) -> None:
        """Queue an attempt.

        Raises:
            ProtocolError: no machine has the memory or the resources that it needs.
        """

    def poll(self, timeout_s: float) -> EngineEvent | None:
        """Return the next event; None after ``timeout_s`` seconds without one."""

    def cancel(self, chain: str) -> None:
        """Cancel the last attempt of a chain; its node ends the step within a second."""

    def send_secrets(self, run: str, chain: str, address: str, secrets: ChainSecrets) -> None:
        """Send the secrets of a chain to one machine, which drops them after the chain."""

    def close(self, run: str) -> None:
        """End the workers of a run on all machines, and the connection; calling it twice is safe."""
