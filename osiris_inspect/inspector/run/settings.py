"""The settings of a run, from its first event."""

from typing import Any, NamedTuple

from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Evidence


class RecordedSetting(NamedTuple):
    """A setting: value, environment variable, and origin (``default``, ``environment``, ``flag``)."""

    value: Any
    variable: str
    origin: str

    def __str__(self) -> str:
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.variable}={value} ({self.origin})"


def recorded_settings(run: Run) -> dict[str, RecordedSetting]:
    """Return the settings by name; empty if the run did not record them."""
    settings = next((event.fields.get("settings") for event in run.events_named("run_start")), None)
    if not isinstance(settings, dict):
        return {}
    return {
        str(name): RecordedSetting(
            entry["value"], str(entry.get("variable") or name), str(entry.get("origin") or "?")
        )
        for name, entry in settings.items()
        if isinstance(entry, dict) and "value" in entry
    }


def settings_evidence(run: Run) -> tuple[Evidence, ...]:
    """Return the location of the settings in the log."""
    events = [event for event in run.events_named("run_start") if "settings" in event.fields]
    return (Evidence(events[0].file, events[0].line, '"settings"'),) if events else ()
