"""Status file of a run (``status.json``), native or of the original.

Readers must not trust it: since 0.4.0 the original writes ``ok: false`` with ``missing_events_jsonl`` for every
successful local run, because it looks for the log in the old layout.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from osiris_inspect.model.event import as_int


class Status(NamedTuple):
    """Contents of a status file; a field is None if the file does not have it.

    Attributes:
        ok: whether the run reports success.
        exit_code: the exit code of the run.
        steps_completed, steps_total: the writer's step counts.
        reason: the reason why ``ok`` is false.
        written_by_fallback: whether the host wrote the file because the worker ended before it could.
    """

    ok: bool | None = None
    exit_code: int | None = None
    steps_completed: int | None = None
    steps_total: int | None = None
    reason: str | None = None
    written_by_fallback: bool = False

    @property
    def is_upstream_false_alarm(self) -> bool:
        """True if ``ok`` is false only because the original looked for its log in the old layout."""
        return (
            self.reason == "missing_events_jsonl"
            and self.exit_code == 0
            and self.steps_completed == self.steps_total
        )


def parse(document: Any) -> Status:
    """Return the status in a parsed JSON document of any version; a value of the wrong type is ignored."""
    document = document if isinstance(document, Mapping) else {}
    ok, reason = document.get("ok"), document.get("reason")
    return Status(
        ok=ok if isinstance(ok, bool) else None,
        exit_code=as_int(document.get("exit_code")),
        steps_completed=as_int(document.get("steps_completed")),
        steps_total=as_int(document.get("steps_total")),
        reason=reason if isinstance(reason, str) and reason else None,
        written_by_fallback=reason == "Worker failed to write status.json",
    )
