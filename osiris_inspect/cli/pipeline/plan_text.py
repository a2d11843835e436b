"""Text of a plan: the steps that would run, in order and with the reason of each, and those that are left out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osiris_inspect.model.manifest import Manifest, Step
    from osiris_inspect.runtime.planning.schedule import Schedule
    from osiris_inspect.runtime.planning.selection import Selection


def plan_text(
    whole: "Manifest", selection: "Selection", schedule: "Schedule | None" = None, jobs: int = 1
) -> str:
    """Return the plan of a run of a pipeline, ``whole`` with all its steps, as lines of text.

    With several ``jobs``, the ``schedule`` has the steps that each one waits for.
    """
    return "\n".join(_lines(whole, selection, schedule, jobs)) + "\n"


def _lines(
    whole: "Manifest", selection: "Selection", schedule: "Schedule | None", jobs: int
) -> Iterator[str]:
    steps = whole.steps
    width = max(len(step.id) for step in steps), max(len(step.component) for step in steps)
    count, total = len(selection.running), len(steps)
    parts = f"all {total} steps" if count == total else f"{count} of {total} steps"
    at_once = f", up to {jobs} at a time" if schedule is not None else ""
    yield f"{whole.name} would run {parts if total > 1 else 'one step'}{at_once}:"
    running = [step for step in steps if step.id in selection.running]
    for number, step in enumerate(running, start=1):
        reasons = filter(None, (selection.running[step.id], *_order(step, selection, schedule)))
        yield f"{number:>4}  {step.id:<{width[0]}}  {step.component:<{width[1]}}  {'; '.join(reasons)}".rstrip()
    if selection.reused:
        yield "taken over:"
    for step in steps:
        if step.id in selection.reused:
            yield f"      {step.id:<{width[0]}}  {step.component:<{width[1]}}  {selection.reused[step.id]}"
    if selection.left_out:
        yield "left out:"
    for step in steps:
        if step.id in selection.left_out:
            yield f"      {step.id:<{width[0]}}  {step.component:<{width[1]}}  {selection.left_out[step.id]}"


def _order(step: "Step", selection: "Selection", schedule: "Schedule | None") -> Iterator[str]:
    """Yield the inputs of a step, what it waits for, and its time limit."""
    if step.needs:
        yield f"takes {', '.join(step.needs)}"
    after = [name for name in step.after if name in selection.running]
    if after:
        yield f"after {', '.join(after)}"
    for edge in schedule.edges[step.id] if schedule is not None else ():
        if edge.kind == "shared":
            yield f"waits for {edge.earlier}: {edge.reason}"
    limit = schedule.limit_of(step.id) if schedule is not None else None
    if limit is not None:
        yield f"at most {limit[1]} at a time use {limit[0]}"
    if step.timeout_s is not None:
        yield f"at most {step.timeout_s:g} s"
