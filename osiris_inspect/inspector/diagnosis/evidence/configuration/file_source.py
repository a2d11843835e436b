"""The step whose file a failed step works on."""

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState


def file_source(run: Run, lineage: Lineage, step: StepState) -> StepState | None:
    """Return the only step upstream that reads a file; the step itself if it reads one."""
    if isinstance(step.config.get("path"), str) and not step.is_writer:
        return step
    sources = [
        other
        for other in map(run.step, lineage.upstream(step.id))
        if other is not None and not other.is_writer and isinstance(other.config.get("path"), str)
    ]
    return sources[0] if len(sources) == 1 else None
