"""A step left out rows, as it logged itself.

What it finds:
    Lines of a successful step's text log that report rows skipped, rejected, or written to a dead-letter queue or a
    quarantine, and metrics that count them, such as `lines_left_out` or `rows_rejected`.

Why it matters:
    The rows are missing from the result, and the run succeeds.

How to fix:
    Correct the rows at the source, or the setting that makes the step skip them. If the loss is acceptable, allow
    this rule for the step.

Example:
    `ERROR - row skipped: could not parse row 1`, 150 times, and 50 of 200 rows are left.
"""

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import message_text
from osiris_inspect.inspector.files.left_out_rows import reports_rows_left_out
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LogLine, Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Severity
from osiris_inspect.model.metric import Metric

NEEDS = ("steps",)
EXPLAINS = ("values-missing-or-new",)
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "correct these rows at the source or the setting that skips them; if the loss is acceptable, allow this rule for the step",
)
_METRIC = LazyRegex(
    r"(?:rows|lines|records|documents|entries|items|values)_(?:left_out|skipped|rejected|dropped|ignored|discarded|failed|invalid|omitted|bad)"
    r"|(?:skipped|rejected|dropped|ignored|discarded|failed|invalid|omitted|bad)_(?:rows|lines|records|documents|entries|items|values)"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find log lines and metrics of successful steps that report rows left out."""
    steps = {step.id: step for step in run.steps if step.status == "succeeded"}
    metrics = [metric for metric in run.metrics if (metric.value or 0) > 0 and _METRIC.fullmatch(metric.name)]
    counted = set()
    for metric in metrics:
        step = _step_of(metric, list(steps.values()))
        if step is None or step.id in counted:
            continue
        counted.add(step.id)
        noun = metric.name.replace("_", " ")
        recorded = next((file.path for file in step.artifacts if file.kind == "rejected_rows"), None)
        yield TEMPLATE.finding(
            f"counted {int(metric.value or 0):,} {noun}" + (f"; see {recorded}" if recorded else ""),
            Evidence(metric.file, metric.line, "value"),
            step=step.id,
        )
    for step_id, lines in _lines_by_step(run).items():
        is_own_log = not step_id and lines[0].file == layout.WORKER_LOG  # has the output of drivers only
        if (step_id in steps or is_own_log) and step_id not in counted:
            times = f" {len(lines):,} times" if len(lines) > 1 else ""
            loss = _loss(steps[step_id]) if step_id else ""
            yield TEMPLATE.finding(
                f"its text log reports rows left out{times}: {excerpt(message_text(lines[0]), 120)!r}{loss}",
                *(Evidence(line.file, line.line, excerpt(message_text(line), 120)) for line in lines[:2]),
                step=step_id or None,
                confidence=Confidence.HIGH if len(lines) > 1 else Confidence.MEDIUM,
            )


def _loss(step: StepState) -> str:
    if step.rows_in is None or step.rows_out is None or step.rows_out >= step.rows_in:
        return ""
    return f"; {step.rows_in:,} rows came in and {step.rows_out:,} went out"


def _lines_by_step(run: Run) -> dict[str, list[LogLine]]:
    lines: dict[str, list[LogLine]] = {}
    for line in run.log_lines:
        if reports_rows_left_out(line):
            lines.setdefault(line.step or "", []).append(line)
    return lines


def _step_of(metric: Metric, steps: list[StepState]) -> StepState | None:
    """Return the step of a metric: the one it names, else the one that ran at its time."""
    if metric.step is not None:
        return next((step for step in steps if step.id == metric.step), None)
    running = [
        step
        for step in steps
        if metric.ts is not None
        and step.started is not None
        and step.ended is not None
        and step.started <= metric.ts <= step.ended
    ]
    return running[0] if len(running) == 1 else None
