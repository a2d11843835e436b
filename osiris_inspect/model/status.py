"""``status.json``: the verdict a run wrote about itself, ours or the original's.

A reader weighs it and never just believes it: since 0.4.0 the original writes ``ok: false`` with
``missing_events_jsonl`` for every local run that went well, because it looks for the log in the old layout.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from osiris_inspect.model.event import finite_int


class Status(NamedTuple):
    """What the file says; None where it says nothing.

    Attributes:
        ok: whether the run calls itself a success.
        exit_code: of the run.
        steps_completed, steps_total: as counted by whoever wrote it.
        reason: why not ok.
        written_by_fallback: the host wrote it because the worker did not live to.
    """

    ok: bool | None = None
    exit_code: int | None = None
    steps_completed: int | None = None
    steps_total: int | None = None
    reason: str | None = None
    written_by_fallback: bool = False
    status: str | None = None

    @property
    def is_upstream_false_alarm(self) -> bool:
        """``ok: false`` for the sole reason that the original looked for its log in the wrong place."""
        return (
            self.reason == "missing_events_jsonl"
            and self.exit_code == 0
            and self.steps_completed == self.steps_total
        )


def parse(document: Any) -> Status:
    """The status in a parsed JSON document of any version; a wrong type counts as absent."""
    document = document if isinstance(document, Mapping) else {}
    ok, reason, status = document.get("ok"), document.get("reason"), document.get("status")
    return Status(
        ok=ok if isinstance(ok, bool) else None,
        exit_code=finite_int(document.get("exit_code")),
        steps_completed=finite_int(document.get("steps_completed")),
        steps_total=finite_int(document.get("steps_total")),
        reason=reason if isinstance(reason, str) and reason else None,
        written_by_fallback=reason == "Worker failed to write status.json",
        status=status if isinstance(status, str) else None,
    )
