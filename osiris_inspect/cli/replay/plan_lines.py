"""Text of a plan that uses an earlier run."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osiris_inspect.model.manifest import Manifest
    from osiris_inspect.runtime.replay.reuse_plan import PlanEntry


def plan_lines(manifest: "Manifest", entries: "Sequence[PlanEntry]", heading: str) -> Iterator[str]:
    """Yield the lines of a plan: a heading, then each step with its entry."""
    steps = {step.id: step for step in manifest.steps}
    running = sum(entry.action == "run" for entry in entries)
    yield f"{heading}: {running} of {len(entries)} steps run"
    names = max(len(step) for step in steps)
    components = max(len(step.component) for step in steps.values())
    for entry in entries:
        yield f"  {entry.step:<{names}}  {steps[entry.step].component:<{components}}  {entry}"
