"""Classification of the E2B SDK's errors, and messages that tell the user what to do.

The SDK's errors have no common base class (some are bare exceptions), and the names differ between its
versions, so they are recognized by class name.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from osiris_inspect.model.errors import OsirisError
from osiris_inspect.model.redaction import mask_by_pattern

_SANDBOX_GONE: Final = frozenset({"SandboxNotRunningException", "SandboxNotFoundException"})
_TRANSIENT: Final = frozenset(
    {
        "RateLimitException",
        "ServiceBusyException",
        "SandboxUnreachableException",
        "TimeoutException",
        "TransportError",
        "ConnectionError",
        "TimeoutError",
    }
)
_TRANSIENT_STATUS: Final = frozenset({429, 500, 502, 503, 504})
_STATUS_PREFIX: Final = re.compile(r"(\d{3}): ")
_MESSAGES: Final = {
    "AuthenticationException": "E2B rejected the API key (401); check E2B_API_KEY",
    "RateLimitException": "E2B limits the request rate (429); try again later",
    "ServiceBusyException": "E2B has no capacity for a sandbox (503); try again later",
    "NotEnoughSpaceException": "the sandbox's disk is full",
}


def is_gone(error: BaseException) -> bool:
    """Return True if the sandbox no longer exists, so that a retry is useless."""
    text = str(error).lower()
    return bool(_names(error) & _SANDBOX_GONE) or ("sandbox" in text and "not found" in text)


def is_transient(error: BaseException) -> bool:
    """Return True if the same request may succeed later."""
    if is_gone(error):
        return False
    # some of the SDK's errors have the status as an attribute, some only in the text
    match = _STATUS_PREFIX.match(str(error))
    status = getattr(error, "status_code", None) or (int(match[1]) if match else None)
    return bool(_names(error) & _TRANSIENT) or status in _TRANSIENT_STATUS


def is_no_such_process(error: BaseException) -> bool:
    """Return True if the process has ended and its sandbox still exists."""
    return "NotFoundException" in _names(error) and not is_gone(error)


def user_message(error: BaseException) -> str:
    """Return one line that states the cause and what to do."""
    for type_ in type(error).__mro__:
        if type_.__name__ in _MESSAGES:
            return _MESSAGES[type_.__name__]
    if is_gone(error):
        return "the sandbox is gone: it was ended from outside or reached the end of its lifetime"
    lines = mask_by_pattern(str(error)).splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


@contextmanager
def raised_as(error_class: Callable[[str], OsirisError], action: str = "") -> Iterator[None]:
    """Raise every error of the block as ``error_class`` with the user message, except our own errors."""
    try:
        yield
    except OsirisError:
        raise
    except Exception as error:  # the SDK's errors have no common base class
        raise error_class(f"{action}: {user_message(error)}" if action else user_message(error)) from error


def _names(error: BaseException) -> set[str]:
    return {type_.__name__ for type_ in type(error).__mro__}
