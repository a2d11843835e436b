"""Retries of a step: how often, after which errors, and with which delay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.error_info import ERROR_KINDS

TRANSIENT_KINDS: Final = (
    "connection-failed",
    "connection-lost",
    "connection-refused",
    "file-changed",
    "lock-conflict",
    "network-timeout",
    "rate-limited",
    "schema-cache-stale",
    "service-failed",
)
"""Kinds of errors after which another attempt may succeed without any change."""
MAX_ATTEMPTS: Final = 100
MAX_WAIT_S: Final = 3_600.0
_KEYS: Final = ("attempts", "on", "wait", "backoff", "not_repeatable")


@dataclass(frozen=True, slots=True)
class StepRetryPolicy:
    """Retries of a step.

    Attributes:
        attempts: how often the step runs at most, the first time included.
        kinds: the kinds of errors after which it runs again.
        wait_s: seconds before the second attempt.
        backoff: factor by which each later wait is longer than the one before.
        allows_not_repeatable: True if a step runs again that may write its rows twice.
    """

    attempts: int = 1
    kinds: tuple[str, ...] = TRANSIENT_KINDS
    wait_s: float = 1.0
    backoff: float = 2.0
    allows_not_repeatable: bool = False

    def wait_before(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt; the first retry is attempt 2."""
        return min(self.wait_s * self.backoff ** (attempt - 2), MAX_WAIT_S)


def parse_retry_policy(value: Any) -> StepRetryPolicy:
    """Return the policy of the value of ``retry`` in a pipeline or a manifest: a number of attempts, or a mapping.

    Raises:
        ValueError: it is invalid; the text says what to write.
    """
    document = {"attempts": value} if isinstance(value, int) else value
    if not isinstance(document, Mapping):
        raise ValueError("write the number of attempts, such as retry: 3, or retry: {attempts: 3}")  # noqa: TRY004
    for name in map(str, document):
        if name not in _KEYS:
            hint = did_you_mean(name, _KEYS) or f"; use {', '.join(_KEYS)}"
            raise ValueError(f"unknown key {name!r}{hint}")
    attempts = document.get("attempts", 3)
    if isinstance(attempts, bool) or not isinstance(attempts, int) or not 1 <= attempts <= MAX_ATTEMPTS:
        raise ValueError(f"attempts is {attempts!r}; write an integer from 1 to {MAX_ATTEMPTS}")
    kinds = document.get("on", TRANSIENT_KINDS)
    kinds = (kinds,) if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list | tuple) or not kinds:
        raise ValueError("on must be a list of kinds of errors, such as [connection-lost]")
    for kind in kinds:
        if kind not in ERROR_KINDS:
            raise ValueError(f"unknown kind of error {kind!r} in on{did_you_mean(str(kind), ERROR_KINDS)}")
    choice = document.get("not_repeatable")
    if choice not in (None, "allow"):
        raise ValueError(f"not_repeatable is {choice!r}; write allow, or remove it")
    return StepRetryPolicy(
        attempts,
        tuple(kinds),
        _number(document, "wait", 1.0, 0.0, MAX_WAIT_S),
        _number(document, "backoff", 2.0, 1.0, 10.0),
        choice == "allow",
    )


def _number(document: Mapping[str, Any], name: str, default: float, least: float, most: float) -> float:
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}; write a number from {least:g} to {most:g}")
    return float(value)
