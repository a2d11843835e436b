"""Command lines that the screens copy for a shell. The terminal UI runs none of them."""

import shlex
from pathlib import Path

from osiris_inspect.inspector.archives.open_archives import name_in_archive
from osiris_inspect.inspector.run.run import Run, StepState


def command_line(command: str, *arguments: str) -> str | None:
    """Return a command of this program for a shell; None if an argument has invisible characters.

    Arguments come from logs of other people: one that begins with a dash is not taken for an option.
    """
    if not all(argument.isprintable() for argument in arguments):
        return None
    dashes = ["--"] if any(argument.startswith("-") for argument in arguments) else []
    name, *options = command.split()
    return shlex.join(["osiris-inspect", name, *options, *dashes, *arguments])


def run_argument(run: Path) -> str:
    """Return the path of a run for a command line: absolute, and for an unpacked run that in its archive."""
    return str(Path(name_in_archive(run) or run).absolute())


def replay_refusal(run: Run, step: StepState) -> str | None:
    """Return why a step has no failure that ``replay`` can repeat; None if it has one."""
    if step.status == "failed":
        if run.dialect == "native":
            return None
        return "Only runs of osiris-inspect run can be replayed: other logs do not keep the inputs of steps"
    if step.status == "skipped":
        cause = _cause(run, step)
        if cause is None:
            return f"{step.id} was skipped: there is no failure to replay"
        return f"{step.id} did not run, because {cause.id} failed: replay {cause.id}"
    words = {
        "succeeded": "succeeded",
        "reused": f"is of {step.reused_from or 'an earlier run'} and did not run",
        "interrupted": "was interrupted (osiris-inspect resume continues the run)",
        "running": "is still running",
        "not_started": "did not start",
    }
    return f"{step.id} {words[step.status]}: there is no failure to replay"


def _cause(run: Run, step: StepState) -> StepState | None:
    """Return the failed step because of which a step was skipped, maybe over other skipped steps."""
    seen: set[str] = set()
    cause: StepState | None = step
    while cause is not None and cause.status == "skipped" and cause.id not in seen:
        seen.add(cause.id)
        cause = run.step(cause.skipped_because or "")
    return cause if cause is not None and cause.status == "failed" else None
