"""How a worker ended."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from osiris_inspect.model.errors import WorkerLost


@dataclass(frozen=True, slots=True)
class WorkerExit:
    """End of a worker.

    Attributes:
        reason: how it ended, in words.
        kind: the kind of the error that reports it.
        facts: ``signal`` (a name) or ``exit_code``, if known.
    """

    reason: str
    kind: str = "worker-killed"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def by_signal(cls, name: str) -> Self:
        """Return the exit of a process that a signal ended."""
        return cls(f"killed by {name}", facts={"signal": name})

    @classmethod
    def by_code(cls, code: int) -> Self:
        """Return the exit of a process by its exit code, which is negative after a signal."""
        with suppress(ValueError):  # not a signal number
            return cls.by_signal(signal.Signals(-code).name)
        return cls(f"exit code {code}", facts={"exit_code": code})

    def error(self) -> WorkerLost:
        """Return the error that reports this end."""
        return WorkerLost(self.reason, kind=self.kind, **self.facts)
