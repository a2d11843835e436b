"""A write that adds rows was repeated.

What it finds:
    A successful writer that appends or inserts, by its configuration or its own log, and whose log reports a repeated
    attempt.

Why it matters:
    If the first attempt had written rows before it failed, they are in the target twice.

How to fix:
    Count the rows per key in the target and remove the duplicates. Write with `upsert` and a primary key, so that a
    repetition has no effect.

Example:
    `WARNING - batch 3 failed: connection reset, retrying`, with `write_mode: append`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import adds_rows, write_mode
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Severity

NEEDS = ("steps",)
MAX_TEXT = 1_000
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "count the rows per key in the target and remove duplicates; write with upsert and a primary key",
    Confidence.MEDIUM,
)
_RETRY = LazyRegex(
    r"\bretry(?:ing|ied)?\b|\bretried\b|\btrying again\b|\b(?:second|2nd) attempt\b|\battempt [2-9]\b", 2
)
_ADDS = LazyRegex(r"\b(?:insert|append)(?:ed|ing|s)?\b", 2)
_NOT_SENT = LazyRegex(r"\bgave up\b|\bno retr|\bretries (?:are )?(?:off|disabled)|\bmax_retries\b", 2)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find repeated attempts of writers that add rows."""
    for step in run.steps:
        mode = write_mode(step.config)
        if step.status != "succeeded" or not step.is_writer or (mode and not adds_rows(step.config)):
            continue
        events = [
            event
            for event in run.key_events
            if mode
            and event.step == step.id
            and event.name.rpartition(".")[2] in ("retry", "retried", "step_retry", "write_retry")
        ]
        lines = [
            line
            for line in run.log_lines
            if line.step == step.id
            and _RETRY.search(line.text[:MAX_TEXT])
            and not _NOT_SENT.search(line.text[:MAX_TEXT])
            and (mode or _ADDS.search(line.text[:MAX_TEXT]))
        ]
        if events or lines:
            count = len(events) or len(lines)
            yield TEMPLATE.finding(
                f"a write that adds rows was repeated{f' {count} times' if count > 1 else ''}, so rows may be in the target twice",
                *map(event_evidence, events[:2]),
                *(Evidence(line.file, line.line, excerpt(line.text, 120)) for line in lines[:2]),
                step=step.id,
            )
