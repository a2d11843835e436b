"""How long things are waited for in the cloud, and asking again after what passes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from osiris_inspect.runtime.transport.e2b import errors as e2b_errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things are waited for, in seconds.

    Attributes:
        lifetime: what a sandbox is given; it outlives a dead host by that at most.
        silence: after it the worker's own file is looked at: it speaks every few seconds.
        reattach: how long a lost connection is tried to be had again.
        backoff: before the second try of a request; doubled before each further one.
    """

    lifetime: int = 300
    silence: float = 12.0
    reattach: float = 60.0
    backoff: float = 0.5
    tries: int = 5

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """Ask, and ask again after a failure that passes."""
        delay = self.backoff
        for _ in range(self.tries - 1):
            try:
                return await request()
            except Exception as error:  # the SDK's errors have no common root; what does not pass goes on
                if not e2b_errors.is_passing(error):
                    raise
            await asyncio.sleep(delay)
            delay *= 2
        return await request()
