"""A source has the month of the run in its file name, but its newest row is almost a year old.

What it finds:
    A source whose dates and times all end at least 300 days before the run, with a column of events, such as `invoice_date`
    or `paid_at`, although the path or the parameters of the step have the month of the run or the month before, or a query
    after it compares the column with the current date. Files of a history or an archive are not reported.

Why it matters:
    An export that contains an old state does not fail a step: it looks like that of this month.

How to fix:
    Have the data exported again. If it is old on purpose, allow this rule for the step.

Example:
    The newest `invoice_date` of `exports/open_invoices_2026-11.csv` is 2025-09-30.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.periods import Period, period_of
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import (
    MAX_QUERY,
    query_key,
    query_of,
)
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
MIN_ROWS = 3
MIN_DAYS = 300
CURRENT_DAYS = 62
MAX_TEXT = 80
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "have the data exported again; if it is old on purpose, allow this rule for the step",
    Confidence.MEDIUM,
)
_EVENT = LazyRegex(
    r"(?i:(?:\w{1,30}_)?(?:invoice|order|book(?:ing|ed)?|payment|paid|post(?:ing|ed)?|transaction|sale|sold|trade|visit|ticket|deliver(?:y|ed)"
    r"|ship(?:ment|ped|ping)?|event|reading|measured?|recorded|logged|claim|reported|due|issued?|rate|price|quoted?|updated|modified|changed"
    r"|exported|statement|snapshot|balance|document|entry)(?:_?(?:date|on|at|day|time|ts))?|date|day|timestamp|ts)"
)
_OLD = LazyRegex(r"hist|archiv|legacy|old|backup|migrat|initial|master|catalog|reference|sample|test|demo", 2)
_MONTH = LazyRegex(r"(?<!\d)(20\d\d)[-_./]?(0[1-9]|1[0-2])(?:[-_./]?(?:0[1-9]|[12]\d|3[01]))?(?!\d)")
_AGE = LazyRegex(
    r"(?i:\bdate_?(?:diff|sub)\b|\bage\(|\b(?:current_date|current_timestamp|now\(\)|today\(\)|curdate\(\)) ?[-<>]"
    r"|[-<>]=? ?(?:current_date|current_timestamp|now\(|today\(|curdate\())"
)
_NOW = ("current_date", "current_timestamp", "now", "today", "curdate", "getdate")


def check(run: Run, lineage: Lineage) -> Findings:
    """Find sources with old data that are said to be current."""
    started = layout.parse_start_ms(run.id)
    if started is None:
        return
    today = datetime.fromtimestamp(started / 1000, UTC)
    for step, frame in run.successful_frames():
        periods = [
            (column.name, period) for column in frame.columns if (period := period_of(column)) is not None
        ]
        if not step.is_source or (frame.rows or 0) < MIN_ROWS or not periods:
            continue
        newest = max(period.end for _, period in periods)
        event = next(((name, one) for name, one in periods if _EVENT.fullmatch(name[:100])), None)
        if event is None or today - newest < timedelta(days=MIN_DAYS):
            continue
        name, period = event
        reason = next(_reasons(run, lineage, step, today, name), "")
        if reason:
            yield TEMPLATE.finding(
                f"the newest {name!r} is {period.high}, {_days(today, period):,} days before the run, although {reason}: the data is old",
                frame_evidence(frame, "max" if frame.file == layout.EVENTS else name),
                step=step.id,
            )


def _days(today: datetime, period: Period) -> int:
    return (today - period.end).days


def _reasons(run: Run, lineage: Lineage, step: StepState, today: datetime, column: str) -> Iterator[str]:
    """Yield why the data should be current."""
    settings = [
        value
        for key, value in step.config.items()
        if isinstance(value, str) and key != query_key(step.config)
    ]
    if any(_OLD.search(text[:200]) for text in (step.id, *settings)):
        return
    for text in settings:
        match = _MONTH.search(text[:500])
        if match is not None:
            first = datetime(int(match[1]), int(match[2]), 1, tzinfo=UTC)
            if timedelta(days=-1) <= today - first < timedelta(days=CURRENT_DAYS):
                yield f"{excerpt(text, MAX_TEXT)!r} is of {match[1]}-{match[2]}"
    for name in lineage.downstream(step.id):
        consumer = run.step(name)
        query = query_of(consumer.config) if consumer is not None else None
        text = str(consumer.config.get(query_key(consumer.config))) if consumer is not None else ""
        if (
            query is not None
            and query.has(*_NOW)
            and query.has(column.lower())
            and _AGE.search(text[:MAX_QUERY])
        ):
            yield f"{name!r} compares it with the current date"
