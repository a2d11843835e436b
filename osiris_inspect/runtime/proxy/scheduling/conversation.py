"""Conversations with a worker: generators that yield what they wait for, so that one thread can serve several."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from osiris_inspect.model.errors import MessageTooLarge, WorkerLost
from osiris_inspect.runtime.transport.transport import Transport

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ForLine:
    """Wait for the next line of the worker; after so many seconds without one the answer is None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds, or until a signal arrives."""

    seconds: float


Conversation = Generator[ForLine | Pause, bytes | None, T]
"""A line that is lost, or the end of the worker, is thrown into it."""


def converse(conversation: Conversation[T], transport: Transport, pause: Callable[[float], object]) -> T:
    """Carry out a conversation with one worker and return its result."""
    try:
        wait = next(conversation)
        while True:
            if isinstance(wait, Pause):
                pause(wait.seconds)
                wait = next(conversation)
                continue
            try:
                line = transport.receive(wait.seconds)
            except (WorkerLost, MessageTooLarge) as error:
                wait = conversation.throw(error)
            else:
                wait = conversation.send(line)
    except StopIteration as end:
        result: T = end.value
        return result
