"""Values that a column had in each of the last runs are missing, one of them has far more rows, or a new one is dropped.

What it finds:
    In a column with few different values, such as a store, a country or a status: values that each of the last runs had in
    at least 3% of the rows, and that now have none, or hardly any; a value whose share of the rows was alike in the last runs
    and is now at least three times as large and 15 percentage points larger; a value that none of the last runs
    had, and whose rows a condition drops that named the values and kept all of them. At least three earlier runs
    with the same settings are needed. Columns of times, numbers that are not codes, values that take the place of others,
    and days on which all values have other numbers of rows are not reported.

Why it matters:
    A store that did not deliver, a country whose shard was absent, new codes that a mapping files under 'Other', and a
    new market that a list in a query does not name do not fail a step.

How to fix:
    Compare the source with that of the last run: ask for the missing data, and add new values to the mapping or the
    condition. If the change is real, allow this rule for the step.

Example:
    `read-sales`: values of 'store' are missing: '0110', '0121' (2 of 9); they were in each of the last 6 runs, in 21% to 23%
    of the rows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    NEW_HOUR_FACTOR,
    SAME_TIME_FACTOR,
    ComparableRuns,
    factors_of_the_time,
    period_factor,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_key, query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.column_kinds import kind_of
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("output_stored",)
SEARCHES = ("earlier runs",)
EXPLAINS = ("differs-from-earlier-runs",)
MIN_RUNS = 3
MIN_ROWS = 50
MIN_VALUE_ROWS = 20
"""Rows that a value had in each run, and would have in this one."""
MIN_SHARE = 0.03
MIN_SHARE_OF_ONE = 0.05
"""Share of a value that is missing alone."""
HARDLY = 0.05
"""Part of its smallest share at which a value has hardly any rows."""
MIN_LEFT = 0.67
"""Part of its largest share that a value had in the last run, else it was being phased out."""
MAX_REPLACED = 0.5
"""Share of new values, of that of the missing ones, from which they take their place."""
MAX_UNSTEADY = 0.25
"""Values that only some of the last runs had, for each that all of them had."""
JUMP_FACTOR, MIN_JUMP = 3, 0.15
MAX_SPREAD, SPREAD = 1.5, 0.02
"""Shares are alike if the largest is at most so many times the smallest, and so much more."""
USUAL_ROWS = (0.8, 1.25)
"""Rows that are as many as usual, of the smallest and the largest number."""
MIN_OTHER_PERIOD = 0.3
MIN_NEW_NULLS = 0.1
MIN_NEW_SHARE = 0.05
MAX_NAMED = 5
_HASH = "#"
_TIMES = LazyRegex(
    r"(?i)(?:^|_)(?:date|day|days|dow|weekday|week|month|quarter|year|season|hour|minute|period|time|shift|slot|age)(?:$|_|\d)"
    r"|(?:_at|_on|_no|_nr|seq|line|page|batch|version|release|file|chunk|part|run|load|campaign|coupon|promo|sprint|wave)$"
    r"|number|filename|batch_|version_|campaign_|file_"
)
"""Names of columns whose values follow one another."""
_CODES = LazyRegex(
    r"(?i)(?:_id|_code|_key|status|state|type|kind|class|store|shop|branch|site|plant|warehouse|depot|region|country"
    r"|category|channel|group|level|zone|tenant|dept|department|source|system|machine|line_id)$"
)
"""Names of columns of numbers that are codes."""
_TIME_VALUE = LazyRegex(
    r"(?i)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}(?:[ -]\d{2,4})?"
    r"|(?:cw|kw|wk|w|q|fy|week|day|v|r)[ -]?\d{1,4}(?:\.\d{1,4}){0,3}|(?:19|20)\d\d(?:[ -]?[a-z]{0,2}\d{1,2}){0,2}|\d{1,2}[.:/]\d{1,4}"
)
_UNWANTED = LazyRegex(r"(?i)test|demo|dummy|sample|intern|cancel|void|draft|unknown|deleted|n/a|none|null")
"""Values that a condition is meant to leave out."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "compare the source with that of the last run and ask for the missing data; if the change is real, allow this rule for the "
    "step",
    Confidence.MEDIUM,
)

Shares = Mapping[str, float]


class _History(NamedTuple):
    """The shares of the rows that the values of a column have in this run and in earlier runs, newest first.

    Attributes:
        rows, rows_before: rows with a value.
        is_sample: the values of a part of the rows of this run are known.
    """

    name: str
    now: Shares
    rows: float
    before: Sequence[Shares]
    rows_before: Sequence[float]
    is_sample: bool

    def text_of(self, value: str) -> str:
        """Return the rows of a value for a message."""
        rows = f"{round(self.now[value] * self.rows):,}"
        return f"about {rows}" if self.is_sample else rows

    @property
    def steady(self) -> dict[str, tuple[float, float]]:
        """The smallest and the largest share of each value that all earlier runs had."""
        common = set.intersection(*(set(shares) for shares in self.before))
        each = {value: [shares[value] for shares in self.before] for value in sorted(common)}
        return {value: (min(shares), max(shares)) for value, shares in each.items()}

    @property
    def known(self) -> set[str]:
        """The values of any earlier run."""
        return {value for shares in self.before for value in shares}

    def is_steady(self) -> bool:
        """Return True if hardly a value with many rows came or went in the earlier runs."""
        steady = self.steady
        unsteady = {
            value
            for shares in self.before
            for value, share in shares.items()
            if share >= MIN_SHARE and value not in steady
        }
        return bool(steady) and len(unsteady) <= MAX_UNSTEADY * len(steady)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find values that are missing, that have far more rows, or that a condition drops."""
    if run.status != "success" or not run.earlier_runs:
        return
    comparable = ComparableRuns(run, lineage)
    reported: set[str] = set()
    for step in run.steps:
        frame = run.frames.get(step.id)
        if frame is None or step.is_writer or reported & set(lineage.upstream(step.id)):
            continue  # the first step explains those after it
        earlier = comparable.for_step(step.id)
        finding = _changed(run, step, frame, earlier) or _dropped(run, step, earlier)
        if finding is not None:
            reported.add(step.id)
            yield finding


def _changed(run: Run, step: StepState, frame: FrameFacts, earlier: Sequence[EarlierRun]) -> Finding | None:
    histories = [each for each in _histories(frame, step.id, earlier) if each.is_steady()]
    for history in histories:
        message = _missing(run, history, earlier)
        if message:
            return TEMPLATE.finding(message, frame_evidence(frame, "value_counts"), step=step.id)
    for history in histories:
        message = _jumped(run, step, history, earlier)
        if message:
            return TEMPLATE.finding(
                message,
                frame_evidence(frame, "value_counts"),
                step=step.id,
                fix="look which rows have it: a mapping or a condition may lack new values, or the source fills it in; if the "
                "change is real, allow this rule for the step",
            )
    return None


def _histories(frame: FrameFacts, step: str, earlier: Sequence[EarlierRun]) -> Iterator[_History]:
    """Yield the columns of a frame whose values were counted in this run and in earlier ones."""
    frames = [each.frames[step] for each in earlier if step in each.frames]
    for column in frame.columns:
        found = [
            (other, before) for other in frames if (before := other.column(column.name)) and before.values
        ]
        if len(found) < MIN_RUNS or len(found) < len(frames) or not _is_category(column):
            continue
        nulls = [(before.nulls or 0) / (other.rows or 1) for other, before in found]
        if (column.nulls or 0) / (frame.rows or 1) > max(nulls) + MIN_NEW_NULLS:
            continue  # another rule reports columns without values
        yield _History(
            column.name,
            _shares(column),
            _rows(frame, column),
            [_shares(before) for _, before in found],
            [_rows(other, before) for other, before in found],
            sum(column.values.values()) < _rows(frame, column),
        )


def _is_category(column: ColumnFacts) -> bool:
    """Return True for a column of codes or words that do not follow one another in time."""
    if not column.values or _TIMES.search(column.name[:100]):
        return False
    if kind_of(column.dtype) == "integer" and not _CODES.search(column.name[:100]):
        return False
    return not all(_TIME_VALUE.fullmatch(value) for value in column.values)


def _shares(column: ColumnFacts) -> Shares:
    total = sum(column.values.values())
    return {value: rows / total for value, rows in column.values.items()}


def _rows(frame: FrameFacts, column: ColumnFacts) -> float:
    return float((frame.rows or 0) - (column.nulls or 0))


def _missing(run: Run, history: _History, earlier: Sequence[EarlierRun]) -> str:
    """Describe the values that each earlier run had and this one does not have; empty if there are none."""
    steady = history.steady
    missing = {
        value: ends
        for value, ends in steady.items()
        if ends[0] >= MIN_SHARE
        and history.now.get(value, 0) <= HARDLY * ends[0]
        and ends[0] * min(history.rows, *history.rows_before) >= MIN_VALUE_ROWS
        and history.before[0][value] >= MIN_LEFT * ends[1]
    }
    if not missing or len(history.now) == 1:  # another rule reports columns with one value
        return ""
    if len(missing) == 1 and min(low for low, _ in missing.values()) < MIN_SHARE_OF_ONE:
        return ""
    usual = [sum(shares[value] for value in missing) for shares in history.before]
    new = sum(share for value, share in history.now.items() if value not in history.known)
    if new >= MAX_REPLACED * min(usual) or not _is_like_before(run, history, set(missing), earlier):
        return ""
    hardly = any(history.now.get(value) for value in missing)
    is_one = len(missing) == 1
    return (
        f"{'a value' if is_one else 'values'} of {history.name!r} {'is' if is_one else 'are'} {'nearly ' if hardly else ''}missing: "
        f"{_named(missing)} ({len(missing)} of {len(steady)}); {'it was' if is_one else 'they were'} in each of the last "
        f"{len(history.before)} runs, in {_range(min(usual), max(usual))} of the rows"
    )


def _is_like_before(run: Run, history: _History, missing: set[str], earlier: Sequence[EarlierRun]) -> bool:
    """Return False if the time of the run may explain that values are missing.

    On the first day of a weekend, and after an unusual time without a run, the other values must have their usual rows.
    """
    factors = factors_of_the_time(run, earlier)
    is_new_time = factors is not None and factors[0] > SAME_TIME_FACTOR
    if factors is not None and factors[0] == NEW_HOUR_FACTOR:
        return False
    if not is_new_time and abs(period_factor(run, earlier) - 1) <= MIN_OTHER_PERIOD:
        return True
    now = history.rows * (1 - sum(history.now.get(value, 0) for value in missing))
    shares = (1 - sum(each[value] for value in missing) for each in history.before)
    return _is_usual(now, [rows * share for rows, share in zip(history.rows_before, shares, strict=True)])


def _is_usual(rows: float, before: Sequence[float]) -> bool:
    return USUAL_ROWS[0] * min(before) <= rows <= USUAL_ROWS[1] * max(before)


def _jumped(run: Run, step: StepState, history: _History, earlier: Sequence[EarlierRun]) -> str:
    """Describe the value whose share of the rows is far larger than before; empty if there is none.

    A value that is new, or at a time that may be special, counts only if the query fills it in: ``coalesce(region, 'Other')``.
    """
    factors = factors_of_the_time(run, earlier)
    if len(history.now) == 1 or history.rows < MIN_ROWS:
        return ""
    if not _is_usual(history.rows, history.rows_before):
        return ""
    query = str(step.config.get(query_key(step.config)) or "").lower()
    for value, share in history.now.items():
        shares = [before.get(value, 0.0) for before in history.before]
        low, high = min(shares), max(shares)
        is_fallback = _is_literal(value, query)
        if (not is_fallback and (factors is not None or not low)) or high > MAX_SPREAD * low + SPREAD:
            continue
        if (
            share >= JUMP_FACTOR * high
            and share >= high + MIN_JUMP
            and share * history.rows >= MIN_VALUE_ROWS
        ):
            return (
                f"{_named([value])} has {share:.0%} of the rows in {history.name!r}, {history.text_of(value)} of "
                f"{round(history.rows):,}; in the last {len(shares)} runs it had {_range(low, high)}"
            )
    return ""


def _dropped(run: Run, step: StepState, earlier: Sequence[EarlierRun]) -> Finding | None:
    """Find a value that earlier inputs of a step did not have, and that its condition drops as the only one."""
    query = query_of(step.config)
    if query is None or not query.has("where"):
        return None
    text = str(step.config[query_key(step.config)]).lower()
    for source in {each.from_step or "": each for each in step.inputs}:
        frame = run.frames.get(source)
        for history in _histories(frame, source, earlier) if frame is not None else ():
            new = [each for each in history.now if each not in history.known and not _is_literal(each, text)]
            value = max(new, key=lambda each: history.now[each], default="")
            rows = history.now.get(value, 0) * history.rows
            if rows < MIN_VALUE_ROWS or history.now[value] < MIN_NEW_SHARE or not history.is_steady():
                continue
            if _UNWANTED.search(value):
                continue
            has_column = history.name.lower() in {word.strip('"`') for word in query.words}
            is_named = has_column and any(_is_literal(each, text) for each in history.steady)
            if is_named and frame is not None and _drops_only(run, step, source, history, value, earlier):
                return TEMPLATE.finding(
                    f"the condition drops the {history.text_of(value)} rows with {_named([value])} in {history.name!r}, a value that none "
                    f"of the last {len(history.before)} runs had; it kept all values of {history.name!r} in them",
                    frame_evidence(frame, "value_counts"),
                    step=step.id,
                    fix="add the value to the condition if its rows are wanted; if they are not, allow this rule for the step",
                )
    return None


def _drops_only(
    run: Run, step: StepState, source: str, history: _History, value: str, earlier: Sequence[EarlierRun]
) -> bool:
    """Return True if a step drops a value, and dropped no other value with many rows in this and in earlier runs."""
    frames = [(each.frames.get(source), each.frames.get(step.id)) for each in earlier]
    now = _dropped_values(run.frames.get(source), run.frames.get(step.id), history.name)
    before = [_dropped_values(*pair, history.name) for pair in frames]
    if now is not None and all(each is not None for each in before):
        return value in now and not now & history.known and not any(before)
    counts = [
        run.frames[step.id].filters,
        *(frame.filters if frame is not None else () for _, frame in frames),
    ]
    if not all(counts):
        return False
    kept = [min(each[1] / each[0] if each[0] else 0 for each in pairs) for pairs in counts]
    return kept[0] <= 1 - 0.9 * history.now[value] and min(kept[1:]) >= 1 - MIN_SHARE / 2


def _is_literal(value: str, query: str) -> bool:
    """Return True if a query in lower case contains a value as a text or a number."""
    text = value.lower()
    return f"'{text}'" in query or (text.isdigit() and re.search(rf"\b{text}\b", query) is not None)


def _dropped_values(source: FrameFacts | None, result: FrameFacts | None, name: str) -> set[str] | None:
    """Return the values with many rows that an input has and the result has not; None if they were not counted."""
    given = source.column(name) if source is not None else None
    kept = result.column(name) if result is not None else None
    if given is None or kept is None or not given.values or not kept.values:
        return None
    return {
        value for value, share in _shares(given).items() if share >= MIN_SHARE and value not in kept.values
    }


def _named(values: Sequence[str] | Mapping[str, object]) -> str:
    """Return values for a message; those of which only a hash is recorded are counted."""
    words = [repr(value) for value in values if not value.startswith(_HASH)]
    hidden = len(values) - len(words)
    named = words[:MAX_NAMED]
    if len(words) > MAX_NAMED:
        named.append(f"{len(words) - MAX_NAMED} more")
    if hidden:
        named.append(f"{hidden} that {'is' if hidden == 1 else 'are'} not recorded as text")
    return ", ".join(named)


def _range(low: float, high: float) -> str:
    ends = f"{low:.0%}", f"{high:.0%}"
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)
