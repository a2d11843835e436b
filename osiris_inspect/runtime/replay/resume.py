"""Rules of a run that continues a run which did not succeed."""

from collections.abc import Sequence
from pathlib import Path

from osiris_inspect.model.errors import AlreadyResumed, MayHaveWritten, NothingToResume, SettingsError
from osiris_inspect.runtime.replay.earlier.earlier_frames import continued_by
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, read_earlier_run
from osiris_inspect.runtime.replay.reuse_plan import PlanEntry


def check_not_replay(earlier: PastRun) -> None:
    """Check that a run is not the replay of one step, which knows nothing of the writers of its pipeline.

    Raises:
        SettingsError: it is; the message names the run to resume.
    """
    if earlier.origin.get("kind") == "replay":
        raise SettingsError(
            f"{earlier.name} is a replay of step {earlier.origin.get('step')!r} of {earlier.origin.get('run')}",
            fix=f"resume {earlier.origin.get('run')}",
            run=earlier.origin.get("run"),
        )


def check_unfinished(earlier: PastRun) -> None:
    """Check that something of a run is left to do.

    Raises:
        NothingToResume: every step of it succeeded.
    """
    if earlier.status == "success" and all(step.is_done for step in earlier.steps.values()):
        raise NothingToResume(f"nothing to resume: every step of {earlier.name} succeeded")


def check_not_continued(earlier: PastRun) -> None:
    """Check that no other run continued this one, which would run its writers a second time.

    Raises:
        AlreadyResumed: another run did.
    """
    later = _last_continuation(earlier.path)
    if later is None:
        return
    status = read_earlier_run(later).status
    ended = {None: "has no end in its log: it is running, or was killed", "success": "succeeded"}.get(
        status, f"ended as {status}"
    )
    raise AlreadyResumed(
        f"{earlier.name} was already resumed, and {later.name}, which continued it, {ended}",
        fix=f"read its report (osiris-inspect summarize {later}): nothing is left to resume"
        if status == "success"
        else f"resume {later.name}",
        run=later.name,
    )


def _last_continuation(run_dir: Path) -> Path | None:
    """Return the run that continued a run last, maybe over others that were continued; None if none did."""
    seen, last = {run_dir}, None
    while (later := continued_by(last or run_dir)) is not None and later not in seen:
        seen.add(later)
        last = later
    return last


def check_decided(entries: Sequence[PlanEntry]) -> None:
    """Check that it is known for every writer whether it wrote.

    Raises:
        MayHaveWritten: it is not, and no option says so; the message names the writers.
    """
    unknown = [entry.step for entry in entries if entry.action == "unknown"]
    if unknown:
        raise MayHaveWritten(
            f"{', '.join(map(repr, unknown))} may have written before the run ended, and would write twice",
            fix=f"look into the target, then add --accept {unknown[0]} if the rows are there, or --rerun {unknown[0]}",
            steps=unknown,
        )
