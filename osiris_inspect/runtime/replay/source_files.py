"""Files that extractors read: whether they are as in an earlier run."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from osiris_inspect.model.manifest import Step
from osiris_inspect.runtime.pipeline.pipeline_files import FILE_FAMILIES, files_of_pipeline
from osiris_inspect.runtime.replay.earlier.earlier_run import PastStep
from osiris_inspect.runtime.replay.reuse_plan import CurrentPipeline
from osiris_inspect.runtime.worker.file_digests import FileDigests


def staleness_of(current: CurrentPipeline, base: Path) -> Callable[[Step, PastStep], str]:
    """Return a function that returns why the source of a step may have changed; empty if it is as it was.

    A step that reads files can tell by their digests, if the earlier run recorded them. Other extractors cannot.
    """

    def staleness(step: Step, before: PastStep) -> str:
        component = current.components.get(step.driver)
        if component is None or component.inputs != "none":
            return ""
        if component.family not in FILE_FAMILIES:
            return "an extractor cannot tell whether its source changed"
        if not before.files_read:
            return "the digests of its files are not recorded"
        now = _digests(current, step, base)
        changed = [
            path for path in {**before.files_read, **now} if before.files_read.get(path) != now.get(path)
        ]
        if changed:
            return f"{changed[0]} has changed"
        unknown = next((path for path, digest in now.items() if digest is None), None)
        return f"{unknown} is too large for a digest" if unknown is not None else ""

    return staleness


def _digests(current: CurrentPipeline, step: Step, base: Path) -> Mapping[str, str | None]:
    """Return the digests of the files that a step would read now by their names; None if a digest is not complete."""
    compiled = current.compiled
    only = replace(compiled, manifest=replace(compiled.manifest, steps=(step,)))
    named = files_of_pipeline(only, current.components, base, current.connections)
    digests = FileDigests(base)
    for path in named.read:
        digests.add("read", path, path)
    return {
        event_fields["path"]: event_fields["xxh3"] if event_fields["complete"] else None
        for _, event_fields in digests.events()
    }
