"""A spilled DataFrame was missing or damaged when a step needed it.

What it finds:
    A step that failed because its input had been spilled to a file that is missing, damaged or could not be
    read.

Why it matters:
    The producer succeeded and the consumer is correct: the file between them is the cause.

How to fix:
    Keep the artifacts of a run until it has ended, and check the disk. Run again from the producer.

Example:
    `artifact_created` for `artifacts/extract-movies/output.parquet`, and the file is missing.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    artifact_evidence,
    error_evidence,
    event_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.diagnosis.evidence.missing_input import (
    consumers_missing_input,
    may_read_spill,
    unresolved_inputs,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.log_phrases import SPILL_NOT_READ
from osiris_inspect.inspector.reader.artifacts import DATA_KINDS
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt, excerpt_of
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
EXPLAINS = ("input-not-found",)
TEMPLATE = FindingTemplate(
    Severity.ERROR, "infra", "keep the artifacts until the run has ended, check the disk, and run again"
)
_PRODUCER = LazyRegex(r"artifacts/(?P<folder>[^/\s'\"]{1,200})/output\.|step '(?P<step>[^']{1,200})'")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find spilled frames that could not be read, at the step that produced them."""
    for event in run.events_named("spill_read"):
        if event.fields.get("ok") is False:
            reason = excerpt(str(event.fields.get("error") or "no reason was logged"), 240)
            message = f"the spilled DataFrame could not be read: {reason}"
            yield TEMPLATE.finding(message, event_evidence(event, "error"), step=event.step)
    for step in run.steps:
        files = [
            item
            for item in step.artifacts
            if item.kind in DATA_KINDS and item.state in ("missing", "corrupt")
        ]
        consumers = consumers_missing_input(step, run, lineage)
        if files and consumers:
            state = "was missing" if files[0].state == "missing" else "was damaged"
            yield TEMPLATE.finding(
                f"the spilled DataFrame {files[0].path} {state}",
                *(artifact_evidence(run, step, files[0]) if files[0].line else ()),
                *error_evidence(consumers[0]),
                step=step.id,
            )
    for error, match in (*matching_errors(run, SPILL_NOT_READ), *matching_log_lines(run, SPILL_NOT_READ)):
        if _reads_own_file(error, run):
            continue
        message = f"a spilled DataFrame could not be read: {excerpt_of(match, 160)}"
        yield TEMPLATE.finding(message, error.evidence(match[0][:160]), step=_producer(error, run))


def _reads_own_file(error: ErrorText, run: Run) -> bool:
    """Return True if the step read no spilled frame: the file that it could not read is its source."""
    step = run.step(error.step or "")
    return step is not None and "artifacts/" not in error.text and not may_read_spill(step)


def _producer(error: ErrorText, run: Run) -> str | None:
    """Return the producer that the error names, else the only unresolved one, else the step."""
    match = _PRODUCER.search(error.text)
    producer = (match["folder"] or match["step"]) if match else None
    step = run.step(error.step or "")
    if producer is not None and run.step(producer) is not None and (step is None or producer != step.id):
        return producer
    unresolved = unresolved_inputs(step) if step else []
    return unresolved[0].from_step if len(unresolved) == 1 else error.step
