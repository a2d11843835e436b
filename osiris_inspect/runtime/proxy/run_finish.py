"""End of a run: writes the run card, the last events and ``status.json``."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model import run_card
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.model.run_types import RunStatus
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter, MovedEntry
from osiris_inspect.runtime.files.leftovers import remove_stale_parts
from osiris_inspect.runtime.planning.take_over import TakenOver
from osiris_inspect.runtime.proxy import run_directory
from osiris_inspect.runtime.proxy.failures import write_failure
from osiris_inspect.runtime.proxy.run_card_builder import build_run_card
from osiris_inspect.runtime.proxy.run_recorder import DiskFull, RunRecorder

_EXIT_CODES: Final[Mapping[RunStatus, int]] = {"success": 0, "failed": 1, "interrupted": 130}


@dataclass(slots=True)
class RunProgress:
    """Progress of a run.

    Attributes:
        path: the run directory.
        files: writes into the run directory.
        outputs: the output files of the pipeline on the host.
        reused: the steps whose results were taken over from an earlier run.
        skipped: the cause of each skipped step: a failed step, or a reason.
        reason: the first error; None if there was none.
        error_info: the parts of this error.
    """

    path: Path
    files: DirectoryWriter
    manifest: Manifest
    redactor: Redactor
    outputs: tuple[Path, ...] = ()
    succeeded: list[str] = field(default_factory=list)
    reused: Mapping[str, TakenOver] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    error_info: Mapping[str, Any] | None = None

    @property
    def is_complete(self) -> bool:
        """True if every step succeeded or was taken over."""
        return len(self.succeeded) + len(self.reused) == len(self.manifest.steps)

    @property
    def step_counts(self) -> dict[str, int]:
        """Number of steps that succeeded or were taken over, and of all steps."""
        counts = {
            "steps_completed": len(self.succeeded) + len(self.reused),
            "steps_total": len(self.manifest.steps),
        }
        return {**counts, "steps_reused": len(self.reused)} if self.reused else counts


def finish_run(
    recorder: RunRecorder,
    progress: RunProgress,
    status: RunStatus,
    details: Mapping[str, Any],
) -> RunStatus:
    """Write the run card, the last events and ``status.json``; return the final status.

    A write that fails turns success into failure, and the other files are still written.
    """
    if recorder.disk_full is not None:
        status = _fail(status, progress, recorder.disk_full)
    writes: tuple[Callable[[], None], ...] = (
        lambda: _remove_leftovers(recorder, progress),
        lambda: _record_replaced(recorder, progress),
        lambda: _write_card(recorder, progress, details),
        lambda: _record_run_end(recorder, progress, status),
        recorder.log.restore_replaced,
        lambda: _write_status(progress, status),
    )
    for write in writes:
        try:
            write()
        except (OSError, DiskFull) as error:
            status = _fail(status, progress, recorder.disk_full or error)
    return status


def _fail(status: RunStatus, progress: RunProgress, error: OSError | DiskFull) -> RunStatus:
    if progress.reason is None:
        progress.reason, progress.error_info = write_failure(error)
    return "failed" if status == "success" else status


def _remove_leftovers(recorder: RunRecorder, progress: RunProgress) -> None:
    """Remove and record the temporary files that killed processes left, here and beside the output files.

    The other files in the run directory get its modes.
    """
    progress.files.apply_access()
    paths = [*progress.files.remove_temporary_files(), *map(str, remove_stale_parts(progress.outputs))]
    if paths:
        recorder.record_host_event("leftovers_removed", {"paths": paths})


def _record_replaced(recorder: RunRecorder, progress: RunProgress) -> None:
    """Record what a driver put in the place of files that the host writes; the log itself is restored later."""
    for path in recorder.log.replaced_files():
        recorder.record_host_event("entry_planted", {"path": path, "kind": "replaced", "moved_to": None})
    for path in (layout.RUN_CARD, layout.STATUS, layout.RESERVE):
        _record_moved(recorder, progress.files.make_way(path))


def _record_moved(recorder: RunRecorder, entries: Iterable[MovedEntry]) -> None:
    for entry in entries:
        recorder.record_host_event("entry_planted", entry._asdict())


def _write_card(recorder: RunRecorder, progress: RunProgress, details: Mapping[str, Any]) -> None:
    card = build_run_card(progress.manifest, recorder.card_events)
    document = run_card.to_dict(replace(card, extra=dict(details)))
    _record_moved(
        recorder, run_directory.write_json(progress.files, layout.RUN_CARD, document, progress.redactor)
    )
    recorder.record_host_event("artifact_created", {"artifact_type": "run_card", "path": layout.RUN_CARD})


def _record_run_end(recorder: RunRecorder, progress: RunProgress, status: RunStatus) -> None:
    seconds = recorder.elapsed_s
    event_fields = {**progress.step_counts, "duration_s": seconds}
    if status == "success":
        recorder.record_host_event("run_complete", event_fields)
    else:
        reason = progress.reason or "a step failed"
        recorder.record_host_event("run_error", {"error": reason, **event_fields})
    last_seq = recorder.log.last_seq + 1
    run_end: dict[str, Any] = {"status": status, "last_seq": last_seq, "duration_s": seconds}
    if status != "success":
        run_end["error_info"] = progress.error_info
    recorder.record_host_event("run_end", run_end)
    recorder.log.sync()


def _write_status(progress: RunProgress, status: RunStatus) -> None:
    document = {
        "run_id": progress.path.name,
        "pipeline": progress.manifest.name,
        "status": status,
        "ok": status == "success",
        "exit_code": _EXIT_CODES[status],
        **progress.step_counts,
        "steps_failed": progress.failed,
        "steps_skipped": progress.skipped,
        "reason": progress.reason,
    }
    run_directory.write_json(progress.files, layout.STATUS, document, progress.redactor)
