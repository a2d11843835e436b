"""A successful step logged that a part of its work failed.

What it finds:
    A warning or an error in the text log of a step that succeeded, which says that a write or a request failed, or that
    the driver gave up.

Why it matters:
    A driver that logs an error and continues loses data, and the run succeeds.

How to fix:
    Let the driver raise the error. If the loss is acceptable, allow this rule for the step.

Example:
    `WARNING - insert failed: duplicate key`
"""

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LogLine, Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Severity

NEEDS = ("text logs",)
MAX_TEXT = 1_000
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "let the driver raise the error instead of logging it; if the loss is acceptable, allow this rule for the step",
    Confidence.MEDIUM,
)
_WORK = r"(?:insert|write|upload|request|batch|page|chunk|row|record|load|download|fetch)"
_FAILED = LazyRegex(
    rf"\b{_WORK}e?s?(?: \S{{1,20}}){{0,3}} (?:failed|rejected|refused)\b"
    rf"|\b(?:failed|unable) to {_WORK}\b|\b(?:could not|cannot) {_WORK}\b"
    r"|\b(?:giving|gave) up\b|\bincomplete (?:result|response|page|data|download)",
    2,
)
_REPEATED = LazyRegex(r"\bretry(?:ing)?\b|\btrying again\b|\bwill be (?:retried|repeated)\b", 2)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find warnings and errors about lost work in the text logs of successful steps."""
    succeeded = {step.id for step in run.steps if step.status == "succeeded"}
    lines: dict[str, list[LogLine]] = {}
    for line in run.log_lines:
        text = line.text[:MAX_TEXT]
        if line.level and line.step in succeeded and _FAILED.search(text) and not _REPEATED.search(text):
            lines.setdefault(line.step or "", []).append(line)
    for step, found in lines.items():
        times = f" {len(found):,} times" if len(found) > 1 else ""
        text = excerpt(found[0].text, 300).rpartition(f" - {found[0].level} - ")[2]
        yield TEMPLATE.finding(
            f"succeeded, but its text log reports a failure{times}: {excerpt(text, 160)!r}",
            *(Evidence(line.file, line.line, excerpt(line.text, 120)) for line in found[:2]),
            step=step,
        )
