"""Facts that a run recorded, by the names that rules declare in ``NEEDS`` and ``SEARCHES``."""

from collections.abc import Mapping
from functools import cached_property

from osiris_inspect.inspector.diagnosis.evidence.error_text import error_texts
from osiris_inspect.inspector.run.run import Run


class RecordedFacts:
    """Names of the parts of a run, its events, and the facts that drivers noticed in frames.

    A rule ``needs`` all of some names, and a run without one of them lists the rule as skipped. A rule ``searches`` at
    least one of some names: in a run without any of them it finds nothing, and is not applied.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._known: dict[str, bool] = {}

    def has(self, name: str) -> bool:
        """Return True if a part of the run, an event or a fact of a frame with this name is recorded."""
        if name not in self._known:
            self._known[name] = self._is_recorded(name)
        return self._known[name]

    def has_any(self, names: tuple[str, ...]) -> bool:
        """Return True if one of the names is recorded, or if there are no names."""
        return not names or any(map(self.has, names))

    def _is_recorded(self, name: str) -> bool:
        run = self._run
        if name == "configuration":
            return any(step.config for step in run.steps)
        if name == "errors":
            return bool(run.truncated_errors) or any(error_texts(run))
        parts: Mapping[str, object] = {
            "events": run.events,
            "failures": run.events or run.failure or run.steps_with_errors,
            "failed steps": run.failure or run.steps_with_errors,
            "steps": run.steps,
            "metrics": run.metrics,
            "manifest": run.manifest,
            "run card": run.card,
            "status file": run.status_file,
            "commands": run.worker_requests,
            "text logs": run.log_lines,
            "earlier runs": run.earlier_runs or run.failed_runs,
            "exposed secrets": run.exposed_secrets,
        }
        if name in parts:
            return bool(parts[name])
        return name in self._frame_facts or bool(run.events_named(name))

    @cached_property
    def _frame_facts(self) -> frozenset[str]:
        """The names of the mistakes in queries, of what was noticed in files, and of notable values."""
        names: set[str] = set()
        for frame in self._run.frames.values():
            names.update(str(check.get("check")) for check in frame.checks)
            names.update(name for name, value in frame.source.items() if value)
            if frame.empty_columns:
                names.add("empty columns")
            if any(column.odd_values for column in frame.columns):
                names.add("odd_values")
        return frozenset(names)
