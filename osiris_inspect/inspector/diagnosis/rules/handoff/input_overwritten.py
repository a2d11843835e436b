"""Two inputs of a step had one name, so the last one replaced the others.

What it finds:
    A step with several resolved inputs that are called the same.

Why it matters:
    Versions before 0.5 keep one frame under `df`; the others are gone without a word, and the run is a success.

How to fix:
    Use a version that names each input after its step.

Example:
    Two `inputs_resolved` events of `join`, both with the key `df`.
"""

from collections import Counter
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import manifest_evidence
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps", "events")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Steps of local runs whose inputs share a name."""
    for step in run.steps:
        got = [entry for entry in step.inputs if entry.location != "unresolved"]
        shared = [name for name, count in Counter(entry.name for entry in got).items() if count > 1]
        origins = {entry.from_step for entry in got}
        if not got and _had_no_names(run, step):
            yield _finding(step.id, f"{len(step.needs)} inputs", (manifest_evidence(run, step.id),))
        elif shared and len(origins) > 1 and run.mode == "local":
            cited = tuple(Evidence("events.jsonl", entry.line, "key") for entry in got if entry.line)
            yield _finding(step.id, f"{len(got)} inputs are all called {shared[0]!r}", cited)


def _had_no_names(run: Run, step: StepState) -> bool:
    """Whether the step ran in a version that logs no inputs and keeps all of them under one name."""
    old = run.dialect == "host" and run.mode == "local" and not run.events_named("inputs_resolved")
    return old and step.status == "succeeded" and len(step.needs) > 1


def _finding(step: str, what: str, evidence: tuple[Evidence, ...]) -> Finding:
    return Finding(
        rule="input-overwritten",
        severity=Severity.WARNING,
        confidence=Confidence.MEDIUM,
        domain="code",
        message=f"{what}; only the last one reached the step",
        evidence=evidence,
        step=step,
        fix="give each input its own name",
    )
