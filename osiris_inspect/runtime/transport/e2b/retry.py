"""How long things are waited for in the cloud, and asking again after what passes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from osiris_inspect.runtime.transport.e2b import errors as e2b_errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class E2bRetryPolicy:
    """How long things are waited for, in seconds.

    Attributes:
        lifetime: what a sandbox is given; it outlives a dead host by that at most.
        silence: after it the worker's own file is looked at: it speaks every few seconds.
        reattach: how long a lost connection is tried to be had again.
        backoff: before the second try of a request; doubled before each further one.
    """

    sandbox_timeout_s: int = 300
    stall_timeout_s: float = 12.0
    reconnect_timeout_s: float = 60.0
    backoff: float = 0.5
    max_attempts: int = 5

    async def call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Ask, and ask again after a failure that passes."""
        delay = self.backoff
        for _ in range(self.max_attempts - 1):
            try:
                return await request()
            except Exception as error:  # the SDK's errors have no common root; what does not pass goes on
                if not e2b_errors.is_transient(error):
                    raise
            await asyncio.sleep(delay)
            delay *= 2
        return await request()
