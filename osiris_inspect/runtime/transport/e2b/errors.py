"""Classification of the E2B SDK's errors, and messages that tell the user what to do.

The SDK's errors have no common base class (some are bare exceptions), and the names differ between its
versions, so they are recognized by class name.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

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


class E2bFailure(NamedTuple):
    """An error of the SDK: its message, kind, remedy and facts. The kind is None if it says nothing about it."""

    message: str
    kind: str | None = None
    fix: str | None = None
    facts: Mapping[str, Any] = {}


_BUSY_FIX: Final = "try again later"
_FAILURES: Final = {
    "AuthenticationException": E2bFailure(
        "E2B rejected the API key (401)",
        "authentication-failed",
        "check E2B_API_KEY",
        {"http_status": 401, "variable": "E2B_API_KEY"},
    ),
    "RateLimitException": E2bFailure(
        "E2B limits the request rate (429)", "rate-limited", _BUSY_FIX, {"http_status": 429}
    ),
    "ServiceBusyException": E2bFailure(
        "E2B has no capacity for a sandbox (503)", "sandbox-unavailable", _BUSY_FIX, {"http_status": 503}
    ),
    "NotEnoughSpaceException": E2bFailure(
        "the sandbox's disk is full", "disk-full", "use a template with a larger disk, or write less"
    ),
}
_CLASS_KINDS: Final = {
    "TimeoutException": "network-timeout",
    "TimeoutError": "network-timeout",
    "SandboxUnreachableException": "connection-failed",
    "TransportError": "connection-failed",
    "ConnectionError": "connection-failed",
}


def is_gone(error: BaseException) -> bool:
    """Return True if the sandbox no longer exists, so that a retry is useless."""
    text = str(error).lower()
    return bool(_names(error) & _SANDBOX_GONE) or ("sandbox" in text and "not found" in text)


def is_transient(error: BaseException) -> bool:
    """Return True if the same request may succeed later."""
    if is_gone(error):
        return False
    return bool(_names(error) & _TRANSIENT) or _http_status(error) in _TRANSIENT_STATUS


def is_no_such_process(error: BaseException) -> bool:
    """Return True if the process has ended and its sandbox still exists."""
    return "NotFoundException" in _names(error) and not is_gone(error)


def user_message(error: BaseException) -> str:
    """Return one line that states the cause and what to do."""
    failure = explain(error)
    return f"{failure.message}; {failure.fix}" if failure.fix else failure.message


def explain(error: BaseException) -> E2bFailure:
    """Return the parts of an error, by the name of its class or by its HTTP status."""
    names = [type_.__name__ for type_ in type(error).__mro__]
    known = next((_FAILURES[name] for name in names if name in _FAILURES), None)
    if known is not None:
        return known
    if is_gone(error):
        message = "the sandbox is gone: it was ended from outside or reached the end of its lifetime"
        return E2bFailure(
            message, "sandbox-lost", "run again; if it ends again, check the time limit of the plan"
        )
    lines = mask_by_pattern(str(error)).splitlines()
    message = f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
    status = _http_status(error)
    if status is not None:
        return E2bFailure(message, _kind_of_status(status), facts={"http_status": status})
    return E2bFailure(message, next((_CLASS_KINDS[name] for name in names if name in _CLASS_KINDS), None))


@contextmanager
def raised_as(error_class: Callable[..., OsirisError], action: str, kind: str) -> Iterator[None]:
    """Raise every error of the block as ``error_class`` with its parts, except our own errors.

    ``kind`` applies if the error does not say more.
    """
    try:
        yield
    except OsirisError:
        raise
    except Exception as error:  # the SDK's errors have no common base class
        failure = explain(error)
        message = f"{action}: {failure.message}" if action else failure.message
        raise error_class(message, kind=failure.kind or kind, fix=failure.fix, **failure.facts) from error


def _http_status(error: BaseException) -> int | None:
    # some of the SDK's errors have the status as an attribute, some only in the text
    match = _STATUS_PREFIX.match(str(error))
    status = getattr(error, "status_code", None) or (int(match[1]) if match else None)
    return status if isinstance(status, int) else None


def _kind_of_status(status: int) -> str | None:
    """Return the kind by the class of the status."""
    if status in (401, 403):
        return "authentication-failed"
    if status == 429:
        return "rate-limited"
    if status >= 500:
        return "service-failed"
    return "request-refused" if status >= 400 else None


def _names(error: BaseException) -> set[str]:
    return {type_.__name__ for type_ in type(error).__mro__}
