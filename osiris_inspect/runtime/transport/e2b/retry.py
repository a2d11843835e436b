"""Timeouts of the E2B transport, and retries of its requests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from osiris_inspect.runtime.transport.e2b import errors as e2b_errors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class E2bRetryPolicy:
    """Timeouts in seconds, and number of attempts.

    Attributes:
        sandbox_timeout_s: lifetime of the sandbox, extended while the run is alive; it outlives a dead proxy
            that long.
        stall_timeout_s: silence after which the worker's own file is checked for messages.
        reconnect_timeout_s: time for reconnecting a lost stream.
        idle_timeout_s: silence after which the download of a file is stopped.
        backoff: delay before the second attempt of a request; doubled before each further one.
        max_attempts: attempts of a request.
    """

    sandbox_timeout_s: int = 300
    stall_timeout_s: float = 12.0
    reconnect_timeout_s: float = 60.0
    idle_timeout_s: float = 30.0
    backoff: float = 0.5
    max_attempts: int = 5

    async def call(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send a request; retry it after transient errors."""
        delay = self.backoff
        for _ in range(self.max_attempts - 1):
            try:
                return await request()
            except Exception as error:  # the SDK's errors have no common base class; others are raised again
                if not e2b_errors.is_transient(error):
                    raise
            await asyncio.sleep(delay)
            delay *= 2
        return await request()
