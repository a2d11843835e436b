"""A step left out rows, as it logged itself.

What it finds:
    Lines of a successful step's text log that report skipped or rejected rows, and metrics that count them, such as
    `lines_left_out` or `rows_rejected`.

Why it matters:
    The rows are missing from the result, and the run succeeds.

How to fix:
    Correct the rows at the source, or the setting that makes the step skip them. If the loss is acceptable, allow
    this rule for the step.

Example:
    `ERROR - row skipped: could not parse row 1`, 150 times, and 50 of 200 rows are left.
"""

from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import LogLine, Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Evidence, Severity
from osiris_inspect.model.metric import Metric

NEEDS = ("steps",)
MAX_TEXT = 1_000
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "correct these rows at the source or the setting that skips them; if the loss is acceptable, allow this rule for the step",
)
_UNIT = r"(?:rows?|lines?|records?|documents?|\d[\d,]{0,12} (?:entries|items|values|cells|messages))"
_LOST = r"(?:skipp(?:ed|ing)|dropp(?:ed|ing)|ignor(?:ed|ing)|reject(?:ed|ing)|discard(?:ed|ing)|omitt(?:ed|ing)|left out|leaving out)"
_TEXT = LazyRegex(
    rf"\b{_UNIT}\b[^\n]{{0,40}}?\b{_LOST}\b|\b{_LOST}\b[^\n]{{0,40}}?\b{_UNIT}\b"
    rf"|\b(?:could not|cannot|failed to|unable to) (?:parse|convert|decode|load|insert|write) [^\n]{{0,20}}?\b{_UNIT}\b",
    2,
)
_HARMLESS = LazyRegex(
    r"\b(?:0|no|zero) (?:rows?|lines?|records?|documents?|entries|items|values|cells|messages)\b"
    r"|\b(?:header|heading|blank|empty|comment|duplicates?|footer|line endings?)\b",
    2,
)
_SKIPPED = LazyRegex(
    r"\bskipp(?:ed|ing)\b[^\n]{0,80}\b(?:invalid|malformed|corrupt(?:ed)?|broken|bad|unparse?able|unreadable|unknown|unexpected|missing|null|empty"
    r"|no [a-z]{2,20}|not a|could not|cannot|failed|error|out of range|too (?:long|large))\b",
    2,
)
"""A warning that something was skipped, with the reason."""
_NOT_ROWS = LazyRegex(
    r"\b(?:check\w{0,3}|validation|verification|tests?|index\w{0,4}|analy[sz]e|vacuum|optional|cache|compression|ssl|tls|certificates?|schema|migrations?"
    r"|optimi[sz]ation|steps?|hooks?|plugins?|telemetry|backup|notifications?|already|unchanged|up to date|not modified|exists|no (?:new|change|update)\w{0,2}"
    r"|retry|directory|folder|config\w{0,9}|options?|settings?)\b",
    2,
)
_LOST_COUNT = (
    r"(?:errors|errored|failed|failures|rejects|rejected|invalid|malformed|dropped|discarded|lost|skipped)"
)
_RESULT = LazyRegex(
    rf"\b{_LOST_COUNT}\b[\"']?(?: {{0,2}}[=:] {{0,2}}| )(\d[\d,]{{0,12}})\b(?! ?(?:times|attempts|retries|requests|seconds|ms|s|%|logins|tests|checks|pages|rows unchanged))"
    rf"|(?<![\w.,-])(\d(?:[\d,]{{0,12}}\d)?) (?:\w{{2,15}} )?{_LOST_COUNT}\b(?! (?:attempts|requests|logins|tests|checks|retries|jobs))",
    2,
)
_DONE = LazyRegex(
    r"\b(?:ok|succeeded|success(?:ful|es)?|indexed|inserted|written|wrote|accepted|loaded|created|bulk|imported|sent|processed|upserted|parsed|fetched|stored|saved|ingested)\b",
    2,
)
"""The other part of a count of results: `176 ok, 24 errors`."""
_ON_PURPOSE = LazyRegex(
    r"\b(?:unchanged|already|up to date|not modified|exist(?:s|ing)|no changes?|duplicates?|retry|retrying|retried|attempt|filter\w{0,3}|on purpose|old versions?)\b",
    2,
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
        yield TEMPLATE.finding(
            f"counted {int(metric.value or 0):,} {noun}",
            Evidence(metric.file, metric.line, "value"),
            step=step.id,
        )
    for step_id, lines in _lines_by_step(run).items():
        is_own_log = not step_id and lines[0].file == layout.WORKER_LOG  # has the output of drivers only
        if (step_id in steps or is_own_log) and step_id not in counted:
            times = f" {len(lines):,} times" if len(lines) > 1 else ""
            loss = _loss(steps[step_id]) if step_id else ""
            yield TEMPLATE.finding(
                f"its text log reports rows left out{times}: {excerpt(_own_text(lines[0]), 120)!r}{loss}",
                *(Evidence(line.file, line.line, excerpt(_own_text(line), 120)) for line in lines[:2]),
                step=step_id or None,
                confidence=Confidence.HIGH if len(lines) > 1 else Confidence.MEDIUM,
            )


def _loss(step: StepState) -> str:
    if step.rows_in is None or step.rows_out is None or step.rows_out >= step.rows_in:
        return ""
    return f"; {step.rows_in:,} rows came in and {step.rows_out:,} went out"


def _lines_by_step(run: Run) -> dict[str, list[LogLine]]:
    lines: dict[str, list[LogLine]] = {}
    for line in _reporting_lines(run):
        lines.setdefault(line.step or "", []).append(line)
    return lines


def _reporting_lines(run: Run) -> Iterator[LogLine]:
    for line in run.log_lines:
        match = _TEXT.search(line.text[:MAX_TEXT])
        if (
            match is not None
            and not _HARMLESS.search(line.text[max(0, match.start() - 12) : match.end() + 12])
        ) or _reports_lost_rows(line):
            yield line


def _reports_lost_rows(line: LogLine) -> bool:
    """Return True if a driver gave a reason for skipping something, or a count of failures beside one of successes."""
    text = _own_text(line)[:MAX_TEXT]
    if line.level and _SKIPPED.search(text) and not (_NOT_ROWS.search(text) or _HARMLESS.search(text)):
        return True
    is_of_driver = bool(line.level) or line.file == layout.WORKER_LOG
    if not is_of_driver or _ON_PURPOSE.search(text) or _HARMLESS.search(text) or not _DONE.search(text):
        return False
    counts = [match[1] or match[2] for match in _RESULT.finditer(text)]
    return any(int(count.replace(",", "")) > 0 for count in counts)


def _own_text(line: LogLine) -> str:
    """Return a line without the time, the logger and the level before its message."""
    for level in (line.level, "INFO"):
        before, mark, after = line.text.partition(f" - {level} - ") if level else ("", "", "")
        if mark and before:
            return after.strip()
    return line.text.strip()


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
