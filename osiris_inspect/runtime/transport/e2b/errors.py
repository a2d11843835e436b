"""What E2B's SDK raises, in words a person can act on.

Its errors have no common root (some are bare exceptions), and its versions differ in their names: they are told apart
by the names of their classes.
"""

import re
from typing import Final

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
_PASSING_STATUS: Final = frozenset({429, 500, 502, 503, 504})
_STATUS_SAID: Final = re.compile(r"(\d{3}): ")
_MESSAGES: Final = {
    "AuthenticationException": "E2B refuses the key (401); check E2B_API_KEY",
    "RateLimitException": "E2B limits the rate of requests (429); try again later",
    "ServiceBusyException": "E2B has no room for a sandbox now (503); try again later",
    "NotEnoughSpaceException": "the sandbox's disk is full",
}


def is_gone(error: BaseException) -> bool:
    """Whether the sandbox is no more, so that trying again is of no use."""
    text = str(error)
    return bool(_names(error) & _SANDBOX_GONE) or ("sandbox" in text.lower() and "not found" in text.lower())


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if is_gone(error):
        return False
    # some of the SDK's errors carry the status, some only say it
    said = _STATUS_SAID.match(str(error))
    status = getattr(error, "status_code", None) or (int(said[1]) if said else None)
    return bool(_names(error) & _TRANSIENT) or status in _PASSING_STATUS


def is_no_such_process(error: BaseException) -> bool:
    """Whether the process asked for is no more, in a sandbox that is."""
    return "NotFoundException" in _names(error) and not is_gone(error)


def user_message(error: BaseException) -> str:
    """One line that says what happened and what to do."""
    for name in (type_.__name__ for type_ in type(error).__mro__):
        if name in _MESSAGES:
            return _MESSAGES[name]
    if is_gone(error):
        return "the sandbox is gone: it was ended from outside or reached the end of its lifetime"
    text = mask_by_pattern(str(error)).splitlines()
    return f"{type(error).__name__}: {text[0] if text else 'no words'}"


def _names(error: BaseException) -> set[str]:
    return {type_.__name__ for type_ in type(error).__mro__}
