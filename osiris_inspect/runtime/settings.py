"""Settings of a run, and where each came from. The one reader of the variables ``E2B_*``.

A flag overrides a variable, a variable the default. A value that cannot be is an error that names the variable: a
setting that is silently ignored looks like a setting that works.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

from osiris_inspect.model.errors import SettingsError

Origin = Literal["default", "environment", "flag"]

MAX_BYTES: Final = (1 << 63) - 1
"""The largest count that files and messages hold."""

_SHOWN: Final = 60
_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"", "0", "false", "no"})

VARIABLES: Mapping[str, str] = {
    "force_spill": "E2B_FORCE_SPILL",
    "spill_threshold": "E2B_SPILL_THRESHOLD",
    "spill_memory_bytes": "E2B_SPILL_MEMORY_BYTES",
    "release_consumed": "E2B_RELEASE_CONSUMED",
    "step_timeout_s": "E2B_STEP_TIMEOUT",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was told beyond its pipeline.

    Attributes:
        force_spill: every frame goes to disk.
        spill_threshold: a frame with more rows than this goes to disk.
        spill_memory_bytes: bytes of frames kept in memory at most; None for no bound.
        release_consumed: a frame is dropped after its last consumer.
        step_timeout_s: seconds a step may take; None for no bound.
        origins: where each value came from, by field name.
    """

    force_spill: bool = False
    spill_threshold: int = 100_000
    spill_memory_bytes: int | None = None
    release_consumed: bool = False
    step_timeout_s: float | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What is sent to the worker and written into the log: each value and its origin."""
        return {
            name: {
                "value": getattr(self, name),
                "origin": self.origins.get(name, "default"),
                "variable": variable,
            }
            for name, variable in VARIABLES.items()
        }


def read(environment: Mapping[str, str], flags: Mapping[str, str | None] | None = None) -> Settings:
    """The settings of the environment, overridden by the flags that are not None; flags go by field name.

    Raises:
        SettingsError: a value cannot be; the message names the variable or the flag.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for name, variable in VARIABLES.items():
        flag = (flags or {}).get(name)
        if flag is not None:
            values[name], origins[name] = _parse(name, flag, "--" + name.replace("_", "-")), "flag"
        elif variable in environment:
            values[name], origins[name] = _parse(name, environment[variable], variable), "environment"
    return Settings(**values, origins=origins)


def from_dict(document: Mapping[str, Any]) -> Settings:
    """The settings a host sent. What it did not send is at its default."""
    known = {item.name for item in fields(Settings)} - {"origins"}
    sent = {name: entry for name, entry in document.items() if name in known and isinstance(entry, Mapping)}
    return Settings(
        **{name: entry["value"] for name, entry in sent.items()},
        origins={name: entry["origin"] for name, entry in sent.items()},
    )


def _parse(name: str, text: str, source: str) -> bool | int | float | None:
    text = text.strip()
    if name in ("force_spill", "release_consumed"):
        return _parse_bool(text, source)
    if name == "spill_threshold":
        return _parse_int(text, source)
    if text == "":
        return None
    return _seconds(text, source) if name == "step_timeout_s" else _parse_int(text, source)


def _parse_bool(text: str, source: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise SettingsError(f"{source} is {_short(text)}; it takes 1, true or yes, or 0, false or no")


def _parse_int(text: str, source: str) -> int:
    digits = (text.lstrip("0") or "0") if text.isascii() and text.isdigit() else ""
    # the length first: Python itself refuses to read numbers of thousands of digits
    if not digits or len(digits) > len(str(MAX_BYTES)) or int(digits) > MAX_BYTES:
        raise SettingsError(f"{source} is {_short(text)}; it takes a whole number from 0 to {MAX_BYTES}")
    return int(digits)


def _seconds(text: str, source: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"{source} is {_short(text)}; it takes seconds above 0")
    return seconds


def _short(text: str) -> str:
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text):,} characters)"
