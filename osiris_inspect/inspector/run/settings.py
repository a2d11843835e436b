"""The settings a run was made with, as its first event tells them."""

from dataclasses import dataclass
from typing import Any

from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence


@dataclass(frozen=True, slots=True)
class RecordedSetting:
    """One setting: its value, the variable that sets it, and what set it (``default``, ``environment``, ``flag``)."""

    value: Any
    variable: str
    origin: str

    def __str__(self) -> str:
        shown = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.variable}={shown} ({self.origin})"


def recorded_settings(run: Run) -> dict[str, RecordedSetting]:
    """The settings by name; empty where the run does not tell them."""
    told = next((event.fields.get("settings") for event in run.events_named("run_start")), None)
    if not isinstance(told, dict):
        return {}
    return {
        str(name): RecordedSetting(
            entry["value"], str(entry.get("variable") or name), str(entry.get("origin") or "?")
        )
        for name, entry in told.items()
        if isinstance(entry, dict) and "value" in entry
    }


def settings_evidence(run: Run) -> tuple[Evidence, ...]:
    """Where the settings stand."""
    events = [event for event in run.events_named("run_start") if "settings" in event.fields]
    return (Evidence(events[0].file, events[0].line, '"settings"'),) if events else ()
