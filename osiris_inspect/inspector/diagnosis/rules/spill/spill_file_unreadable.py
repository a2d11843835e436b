"""A spilled frame was gone or damaged when it was needed.

What it finds:
    A step that failed for want of an input, whose frame had been spilled to a file that is missing, damaged or could
    not be loaded.

Why it matters:
    The step that gave the frame is a success and the one that needs it is not at fault: the file between them is.

How to fix:
    Keep the artifacts of a run until it is over, and look at the disk. Run again from the step that gave the frame.

Example:
    `artifact_created` for `artifacts/extract-movies/output.parquet`, and the file is not there.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import consumers_missing_input
from osiris_inspect.inspector.files.log_phrases import SPILL_NOT_READ
from osiris_inspect.inspector.reader.artifacts import DATA_KINDS
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("steps",)
RANK = 22

_PRODUCER = LazyRegex(r"artifacts/(?P<folder>[^/\s'\"]{1,200})/output\.|step '(?P<step>[^']{1,200})'")


def check(run: Run, lineage: Lineage) -> Iterator[Finding]:
    """Spilled frames that did not come back, at the step that gave them."""
    for event in run.events_named("spill_read"):
        if event.fields.get("ok") is False:
            why = str(event.fields.get("error") or "no reason was logged")
            yield _finding(
                f"its spilled frame did not come back: {excerpt(why, 240)}",
                (event_evidence(event, "error"),),
                event.step,
            )
    for step in run.steps:
        lost = [
            item
            for item in step.artifacts
            if item.kind in DATA_KINDS and item.state in ("missing", "corrupt")
        ]
        starved = consumers_missing_input(step, run, lineage)
        if lost and starved:
            state = "is not there" if lost[0].state == "missing" else "is damaged"
            named = (Evidence("events.jsonl", lost[0].line, lost[0].path),) if lost[0].line else ()
            yield _finding(
                f"the spilled frame {lost[0].path} {state}", (*named, *error_evidence(starved[0])), step.id
            )
    for told, match in (*matching_errors(run, SPILL_NOT_READ), *matching_log_lines(run, SPILL_NOT_READ)):
        message = f"a spilled frame could not be read: {excerpt_of(match, 160)}"
        yield _finding(message, (told.evidence(match[0][:160]),), _producer(told, run))


def _producer(told: ErrorText, run: Run) -> str | None:
    """The step whose frame it was: named by the text, else the upstream of the step that says so."""
    match = _PRODUCER.search(told.text)
    named = (match["folder"] or match["step"]) if match else None
    step = run.step(told.step or "")
    if named is not None and run.step(named) is not None and (step is None or named != step.id):
        return named
    waiting = [entry.from_step for entry in step.inputs if entry.location == "unresolved"] if step else []
    return waiting[0] if len(waiting) == 1 else told.step


def _finding(message: str, evidence: tuple[Evidence, ...], step: str | None) -> Finding:
    return Finding(
        rule="spill-file-unreadable",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="infra",
        message=message,
        evidence=evidence,
        step=step,
        fix="keep the artifacts until the run is over, look at the disk, and run again",
    )
