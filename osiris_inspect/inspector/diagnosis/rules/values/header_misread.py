"""A CSV file was read with a header that it does not have, or without the one that it has.

What it finds:
    A step that reads a CSV file, and most of the column names are values of their columns: amounts, dates, e-mail
    addresses. Also a file whose first row contains the column names, or words above columns of numbers.

Why it matters:
    The first row is lost as the header, or the header is a row of data that turns every column into text.

How to fix:
    Set `header: false` for a file without a header, and `header: true` for a file that has one. Years or dates as
    names of columns with numbers are not reported. If the names are right, allow this rule for the step.

Example:
    `src` returned the columns `1042`, `2024-03-01`, `Ada`, `19.90`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import ColumnFacts, FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
EXPLAINS = ("zero-rows-from-source",)
MAX_COLUMNS = 2_000
MAX_ALIKE = 2
"""Columns that may be named by the same kind of address; more of them are a table with one column a person."""
MIN_MIXED = 0.3
"""Share of names that are values, if they are of different kinds, such as an id and a date."""
MIN_BINS = 10
TEMPLATE = FindingTemplate(Severity.WARNING, "config", "set header: false", Confidence.MEDIUM)
_TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
_KINDS: Mapping[str, LazyRegex] = {
    "integer": LazyRegex(r"[+-]?\d{1,18}"),
    "decimal": LazyRegex(r"[+-]?\d{1,12}[.,]\d{1,10}"),
    "date": LazyRegex(rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}){_TIME}"),
    "amount": LazyRegex(
        r"[$\u20ac\u00a3] ?\d{1,12}(?:[.,]\d{3}){0,4}(?:[.,]\d{1,2})?"
        r"|\d{1,12}(?:[.,]\d{1,2})? ?[$\u20ac\u00a3%]|\d{1,3}(?:,\d{3}){1,4}\.\d{2}"
    ),
    "address": LazyRegex(
        r"https?://[^\s]{1,500}|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}|\+\d[\d ()-]{6,20}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}",
        2,
    ),
}
_SUFFIX = LazyRegex(r"(.{1,100})\.\d{1,4}")
"""pandas renames the second column of a name to ``name.1``."""
_NUMBER = ("int", "uint", "float", "double", "decimal")
_TEXT = ("str", "object", "string", "large_string")
_DTYPES: Mapping[str, tuple[str, ...]] = {
    "integer": _NUMBER,
    "decimal": _NUMBER,
    "date": (*_TEXT, "datetime", "timestamp", "date"),
    "amount": _TEXT,
    "address": _TEXT,
}


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find CSV files whose header was read as data, or whose data was read as the header."""
    for step, frame in run.successful_frames():
        if as_int(frame.source.get("header_rows")):
            yield _header_in_rows(step, frame)
        elif _may_lack_header(step) and 0 < len(frame.columns) <= MAX_COLUMNS:
            values = _names_that_are_values(frame)
            if _is_row(values, len(frame.columns)):
                yield _row_as_header(step, frame, values)


def _header_in_rows(step: StepState, frame: FrameFacts) -> Finding:
    if step.config.get("header") is False:
        message, fix = "the first row of the file is its header, and was read as data", "set header: true"
    else:
        message = "the first row of the file repeats the column names"
        fix = "remove the second header from the file, or set skip_rows: 1"
    evidence = frame_evidence(frame, "header_rows")
    return TEMPLATE.finding(message, evidence, step=step.id, confidence=Confidence.HIGH, fix=fix)


def _row_as_header(step: StepState, frame: FrameFacts, values: Sequence[tuple[str, ColumnFacts]]) -> Finding:
    shown = next((column.name for kind, column in values if kind in ("decimal", "date")), "")
    example = f", such as {shown!r}" if shown else ""
    skips = ", or correct skip_rows" if step.config.get("skip_rows") else ""
    return TEMPLATE.finding(
        f"{len(values)} of {len(frame.columns)} column names are values{example}: the first row of the file was read as its header",
        frame_evidence(frame, shown or values[0][1].name),
        step=step.id,
        fix=f"set header: false{skips}; if the names are right, allow this rule for the step",
    )


def _may_lack_header(step: StepState) -> bool:
    """Return True if the step reads a CSV file with a header, as far as is known."""
    driver, path = (step.driver or "").lower(), str(step.config.get("path") or "").lower()
    is_csv = "csv" in driver or path.endswith((".csv", ".tsv", ".txt"))
    takes_frame = bool(step.inputs) and not step.is_source
    has_header = step.config.get("header", True) is True and not step.config.get("names")
    return is_csv and not step.is_writer and not takes_frame and has_header and query_of(step.config) is None


def _names_that_are_values(frame: FrameFacts) -> list[tuple[str, ColumnFacts]]:
    """Return the columns whose name is a value that the column could have, each with the kind of the value."""
    names = {column.name for column in frame.columns}
    values = []
    for column in frame.columns:
        renamed = _SUFFIX.fullmatch(column.name)
        name = renamed[1] if renamed is not None and renamed[1] in names else column.name
        kind = next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(name)), "")
        dtypes = _TEXT if kind == "decimal" and "," in name else _DTYPES.get(kind, ())
        if column.dtype.lower().startswith(dtypes) or (kind and frame.rows == 0):  # no row, no type
            values.append((kind, column))
    return values


def _is_row(values: Sequence[tuple[str, ColumnFacts]], columns: int) -> bool:
    """Return True if the names are a row of data, not years, dates, bins or people of a pivoted table."""
    kinds = {kind for kind, _ in values}
    if {"date", "amount", "address"} & kinds and len(kinds) > 1:
        return MIN_MIXED * columns <= len(values)
    if 2 * len(values) < columns or not kinds - {"integer", "amount"}:
        return False
    if kinds == {"address"}:
        return len(values) <= MAX_ALIKE
    names = [column.name for _, column in values]
    if kinds == {"date"}:
        return len(names) > 1 and names not in (sorted(names), sorted(names, reverse=True))
    return 2 * len(values) > columns and _are_amounts([column for _, column in values])


def _are_amounts(columns: Sequence[ColumnFacts]) -> bool:
    """Return True if numbers are not bins: in order, or with one step."""
    numbers = [_number(column.name) for column in columns]
    steps = [after - before for before, after in pairwise(numbers)]
    if len(numbers) < 2 or all(step > 0 for step in steps):
        return len(numbers) == 2 and columns[0].dtype != columns[1].dtype
    is_even = len(steps) > 1 and max(steps) - min(steps) <= 0.01 * abs(steps[0])
    return not is_even and not (len(numbers) >= MIN_BINS and all(step < 0 for step in steps))


def _number(name: str) -> float:
    """Return the number in a name, without the suffix of a repeated name."""
    parts = name.replace(",", ".").split(".")
    return float(".".join(parts[:2]))
