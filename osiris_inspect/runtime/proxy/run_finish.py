"""The end of a run: card, last events and verdict, written whatever happened before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.runtime.proxy import run_card_builder as card
from osiris_inspect.runtime.proxy import run_directory
from osiris_inspect.runtime.proxy.run_recorder import DiskFull, RunRecorder

_EXIT_CODES: Final[Mapping[RunStatus, int]] = {"success": 0, "failed": 1, "interrupted": 130}


@dataclass(slots=True)
class RunProgress:
    """How far a run has come.

    Attributes:
        path: the run directory.
        because: the steps that were skipped, and the cause of each.
        reason: the first thing that went wrong, in words.
    """

    path: Path
    manifest: Manifest
    started_at: float
    redactor: Redactor
    succeeded: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    reason: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether every step succeeded."""
        return len(self.succeeded) == len(self.manifest.steps)

    @property
    def step_counts(self) -> dict[str, int]:
        """How many steps succeeded, of how many."""
        return {"steps_completed": len(self.succeeded), "steps_total": len(self.manifest.steps)}


def finish_run(
    books: RunRecorder,
    tally: RunProgress,
    status: RunStatus,
    facts: Mapping[str, Any],
    clock: Callable[[], float],
) -> RunStatus:
    """Write the run card, the last events and, last of all, the verdict; gives the status the run really ends with.

    A disk that refuses makes it a failed run that says so; what still finds room is written.
    """
    writes: tuple[Callable[[], None], ...] = (
        lambda: _write_card(books, tally, facts),
        lambda: _record_run_end(
            books, tally, _final_status(status, tally, books), clock() - tally.started_at
        ),
        lambda: _write_status(tally, _final_status(status, tally, books)),
    )
    for write in writes:
        try:
            write()
        except (OSError, DiskFull) as error:
            tally.reason = (
                tally.reason or books.disk_full_reason or f"the run directory cannot be written: {error}"
            )
            status = "failed" if status == "success" else status
    return _final_status(status, tally, books)


def _final_status(status: RunStatus, tally: RunProgress, books: RunRecorder) -> RunStatus:
    if books.disk_full_reason is not None and status == "success":
        tally.reason = tally.reason or books.disk_full_reason
        return "failed"
    return status


def _write_card(books: RunRecorder, tally: RunProgress, facts: Mapping[str, Any]) -> None:
    made = card.build_run_card(tally.manifest, books.card_events)
    run_directory.write_card(tally.path, replace(made, extra=dict(facts)), tally.redactor)
    books.record_host_event("artifact_created", {"artifact_type": "run_card", "path": layout.RUN_CARD})


def _record_run_end(books: RunRecorder, tally: RunProgress, status: RunStatus, seconds: float) -> None:
    if status == "success":
        books.record_host_event("run_complete", {**tally.step_counts, "duration_s": seconds})
    else:
        reason = tally.reason or "a step failed"
        books.record_host_event("run_error", {"error": reason, **tally.step_counts, "duration_s": seconds})
    last = books.last_seq + 1
    books.record_host_event("run_end", {"status": status, "last_seq": last, "duration_s": seconds})
    books.sync()


def _write_status(tally: RunProgress, status: RunStatus) -> None:
    verdict = {
        "run_id": tally.path.name,
        "pipeline": tally.manifest.name,
        "status": status,
        "ok": status == "success",
        "exit_code": _EXIT_CODES[status],
        **tally.step_counts,
        "steps_failed": tally.failed,
        "steps_skipped": tally.skipped,
        "reason": tally.reason,
    }
    run_directory.write_status(tally.path, tally.redactor.redact_value(verdict))
