"""Settings of a run from ``E2B_*`` environment variables and flags, with the origin of each.

A flag overrides a variable, a variable overrides the default. An empty variable is not set. An invalid value is an
error, never ignored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.files.memory_limit import parse_bytes

Origin = Literal["default", "environment", "flag"]
CaptureMode = Literal["on-failure", "always", "never"]
KeptFrames = Literal["failed", "frames"]

MAX_INT64: Final = (1 << 63) - 1
"""Largest integer that files and messages can hold."""
_MAX_SHOWN_CHARS: Final = 60
_MAX_HEARTBEAT_INTERVAL_S: Final = 5.0
_HEARTBEATS_PER_HANG_TIMEOUT: Final = 10
_TRUE = frozenset({"1", "true", "yes"})
_FALSE = frozenset({"0", "false", "no"})


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a run.

    Attributes:
        force_spill: True if every frame is spilled to disk.
        spill_threshold: rows above which a frame is spilled.
        spill_memory_bytes: maximum bytes of frames in memory; None for no limit.
        release_consumed: True if a frame is dropped after its last consumer.
        step_timeout_s: maximum seconds of a step; None for no limit.
        hang_timeout_s: seconds without a heartbeat after which a worker is ended, and seconds without CPU time
            after which a step is reported as waiting.
        capture: when the inputs of a step are written to disk, so that it can be run again: after it failed, before
            it starts, or never.
        capture_limit: maximum bytes of captured frames that are downloaded from a remote worker.
        keep: the frames that stay on disk: those of failed steps, or every frame.
        origins: origin of each value that is not a default, by field name.
    """

    force_spill: bool = False
    spill_threshold: int = 100_000
    spill_memory_bytes: int | None = None
    release_consumed: bool = False
    step_timeout_s: float | None = None
    hang_timeout_s: float = 300.0
    capture: CaptureMode = "on-failure"
    capture_limit: int = 256 * 1024 * 1024
    keep: KeptFrames = "failed"
    origins: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def heartbeat_interval_s(self) -> float:
        """Seconds between two heartbeats of a busy worker."""
        return min(_MAX_HEARTBEAT_INTERVAL_S, self.hang_timeout_s / _HEARTBEATS_PER_HANG_TIMEOUT)

    def to_dict(self) -> dict[str, Any]:
        """Return each value with its origin and variable, for the worker and the log."""
        return {
            name: {
                "value": getattr(self, name),
                "origin": self.origins.get(name, "default"),
                "variable": variable,
            }
            for name, (variable, _) in _VARIABLES.items()
        }


def read(environment: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> Settings:
    """Return the settings from environment variables and flags (by field name; None: not used).

    Raises:
        SettingsError: a value is invalid; the message names the variable or flag.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for name, (variable, parse) in _VARIABLES.items():
        flag = (flags or {}).get(name)
        if flag is not None:
            values[name], origins[name] = parse(flag.strip(), "--" + name.replace("_", "-")), "flag"
        elif text := environment.get(variable, "").strip():
            values[name], origins[name] = parse(text, variable), "environment"
    return Settings(**values, origins=origins)


def from_dict(document: Mapping[str, Any]) -> Settings:
    """Return the settings from ``to_dict``; missing ones have their defaults."""
    entries = {
        name: entry for name, entry in document.items() if name in _VARIABLES and isinstance(entry, Mapping)
    }
    return Settings(
        **{name: entry["value"] for name, entry in entries.items()},
        origins={name: entry["origin"] for name, entry in entries.items()},
    )


def _parse_bool(text: str, source: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise _invalid(text, source, "1, true or yes, or 0, false or no")
    return text.lower() in _TRUE


def _choice(*choices: str) -> Callable[[str, str], str]:
    def parse(text: str, source: str) -> str:
        if text.lower() not in choices:
            raise _invalid(text, source, f"{', '.join(choices[:-1])} or {choices[-1]}")
        return text.lower()

    return parse


def _parse_bytes(text: str, source: str) -> int:
    size = parse_bytes(text, source)
    if size > MAX_INT64:
        raise _invalid(text, source, f"at most {MAX_INT64} bytes")
    return size


def _parse_int(text: str, source: str) -> int:
    digits = (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else ""
    # the length first: int() rejects thousands of digits
    if not digits or len(digits) > len(str(MAX_INT64)) or int(digits) > MAX_INT64:
        raise _invalid(text, source, f"an integer from 0 to {MAX_INT64}")
    return int(digits)


def _parse_seconds(text: str, source: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise _invalid(text, source, "seconds above 0")
    return seconds


def _invalid(text: str, source: str, expected: str) -> SettingsError:
    value = repr(text)
    if len(text) > _MAX_SHOWN_CHARS:
        value = f"{text[:_MAX_SHOWN_CHARS]!r}… ({len(text):,} characters)"
    return SettingsError(
        f"invalid {source}: {value}", fix=f"use {expected}", option=source, value=text[:_MAX_SHOWN_CHARS]
    )


_VARIABLES: Final[Mapping[str, tuple[str, Callable[[str, str], Any]]]] = {
    "force_spill": ("E2B_FORCE_SPILL", _parse_bool),
    "spill_threshold": ("E2B_SPILL_THRESHOLD", _parse_int),
    "spill_memory_bytes": ("E2B_SPILL_MEMORY_BYTES", _parse_int),
    "release_consumed": ("E2B_RELEASE_CONSUMED", _parse_bool),
    "step_timeout_s": ("E2B_STEP_TIMEOUT", _parse_seconds),
    "hang_timeout_s": ("E2B_HANG_TIMEOUT", _parse_seconds),
    "capture": ("E2B_CAPTURE", _choice(*get_args(CaptureMode))),
    "capture_limit": ("E2B_CAPTURE_LIMIT", _parse_bytes),
    "keep": ("E2B_KEEP", _choice(*get_args(KeptFrames))),
}
"""Variable and parser of each setting."""
