"""A few values made a column of numbers text.

What it finds:
    A step that reads a CSV file in which all values of a column but a few are numbers: a total line, a placeholder
    such as `-`, a unit in the cell, a thousands separator. Codes with letters, as in house numbers, are not reported.

Why it matters:
    The whole column is text: a sum fails, a maximum compares letters, and a conversion makes the value null.

How to fix:
    Correct the values at the source, or name them in `na_values`. For other separators set `decimal` or `thousands`. If
    the column is text on purpose, set `dtype`.

Example:
    1 of 121 values of `qty` is not a number: `12 pcs` in line 79.
"""

from collections.abc import Mapping
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.next_queries import is_value_expected
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("output_stored",)
SEARCHES = ("odd_values",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)
MEASURED = 0.2
"""Share of numbers with a decimal point from which a column is a measure, not a code."""
MAX_TEXT = 80
MAX_WORDS = 3
_CAUSES = ("broken_lines", "header_rows")
"""Facts of a file that make any column text."""
_CODE = LazyRegex(
    r"(?:^|[_\W]|(?<=[a-z])(?=[A-Z]))(?:id|ids|code|codes|no|nr|num|number|key|zip|zipcode|postal|postcode|plz|psc|phone|tel|mobile|fax"
    r"|house|room|flight|ticket|sku|article|item|ean|isbn|barcode|account|invoice|order|receipt|serial|badge|plate|version"
    r"|ref|reference|size|grade|class|seat|floor|street|building|unit|lot|batch|bib|gate|platform|track|route|bus|model"
    r"|part|card|iban|tax|vat|ico|dic|position|rank|level|category|type|group|zone|area|shelf|bin|slot|table)s?(?:$|[_\W]|(?<=[a-z])(?=[A-Z]))",
    2,
)
_TOTAL = LazyRegex(
    r"\W{0,3}(?:(?:grand|sub|overall)[ -]?)?(?:totals?|sum|celkem|spolu|summe|gesamt|insgesamt|totale|somme|razem|suma)\W{0,3}",
    2,
)
_SHEET_ERROR = LazyRegex(r"#(?:REF|VALUE|NAME|DIV/0|NUM|N/A|NULL)[!?]?", 2)
_PLACEHOLDER = LazyRegex(
    r"[-\u2012-\u2015?.*_/x]{1,5}|n\.?/?\s?[ad]\.?|tb[ad]|unknown|missing|none|nil|null|empty|k\.\s?a\.|not available",
    2,
)
_UNIT = LazyRegex(
    r"[<>~\u2248\u2264\u2265+]?\s?[+-]?\d[\d.,]{0,14}(?:\s{1,2}[^\W\d]{1,12}\.?|\s?(?:[%\u20ac$\u00a3+]|k\u010d|czk|eur|usd|gbp|pcs|pc|ks"
    r"|kg|km|cm|mm|ml|kwh|mwh|kw|min|hrs|sec))|[<>~\u2248\u2264\u2265$\u20ac\u00a3]\s?[+-]?\d[\d.,]{0,14}",
    2,
)
_FORMATTED = LazyRegex(
    r"\s?[+-]?\d{1,3}(?:[,' \u00a0\u202f]\d{3}){1,5}(?:[.,]\d{1,6})?|[+-]?\d{1,12},\d{1,6}|\(\d[\d.,]{0,14}\)"
)
_GROUPED = LazyRegex(r"[+-]?\d{1,3}([,' ])\d{3}(?:\1\d{3}){0,5}(?:\.\d{1,6})?")
_DECIMAL_COMMA = LazyRegex(r"[+-]?\d{1,12},\d{1,6}")
_WORDS = LazyRegex(r"[^\W\d]{3,20}(?:[ .,'-]{1,2}[^\W\d]{1,20}){0,4}[.!?]?")
_WRONG_ANYWHERE = ((", a total line", _TOTAL), (", an error of a spreadsheet", _SHEET_ERROR))
_WRONG_AMONG_NUMBERS = (
    (", a placeholder", _PLACEHOLDER),
    (", a number with a unit", _UNIT),
    (", a number with another separator", _FORMATTED),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find columns of text that would be numbers without a few values."""
    for step, frame in run.successful_frames():
        if any(map(frame.source.get, _CAUSES)):
            continue
        for entry in frame.source_entries("odd_values"):
            column, value = (str(entry.get(key) or "")[:MAX_TEXT] for key in ("column", "value"))
            if column.startswith("Unnamed: "):  # the line above the header was read as the header
                continue
            if value == frame.source.get("total_label") or is_value_expected(run, step, column, value):
                continue
            kind = _kind(column, value, entry)
            if kind is None:
                continue
            count, values = as_int(entry.get("count")) or 0, as_int(entry.get("values")) or 0
            number = next(
                (
                    f" in {unit} {as_int(entry[unit]):,}"
                    for unit in ("line", "row")
                    if as_int(entry.get(unit))
                ),
                "",
            )
            first = "first " if count > 1 else ""
            shown = f": {first}{excerpt(value, 24)!r}{number}{kind}" if value else f":{first}{number}"
            yield TEMPLATE.finding(
                f"{count:,} of {values:,} values of {column!r} {'is not a number' if count == 1 else 'are not numbers'}{shown}; so the column became text",
                frame_evidence(frame, "odd_values"),
                step=step.id,
                fix=_fix(column, value, has_decimals=bool(as_int(entry.get("decimals")))),
            )


def _kind(column: str, value: str, entry: Mapping[str, Any]) -> str | None:
    """Return what the value is, with a comma before it; None if it may be right in its column."""
    text = value.strip()
    for kind, pattern in _WRONG_ANYWHERE:
        if pattern.fullmatch(text):
            return kind
    if _CODE.search(column):
        return None
    for kind, pattern in _WRONG_AMONG_NUMBERS:
        if pattern.fullmatch(text):
            return kind
    count, decimals = as_int(entry.get("count")) or 0, as_int(entry.get("decimals")) or 0
    is_measure = decimals >= MEASURED * (as_int(entry.get("values")) or 0)
    is_rare = count <= MAX_WORDS and 100 * count <= (as_int(entry.get("values")) or 0)
    return "" if is_measure or (is_rare and _WORDS.fullmatch(text)) else None


def _fix(column: str, value: str, *, has_decimals: bool) -> str:
    text = value.strip()
    if _TOTAL.fullmatch(text):
        return "export the file without the total line, or filter this row in the next step"
    if _PLACEHOLDER.fullmatch(text) or _SHEET_ERROR.fullmatch(text):
        return (
            f"add {value!r} to na_values of the step, or correct the value; if {column!r} is text, set dtype"
        )
    grouped = _GROUPED.fullmatch(text)
    if grouped is not None:
        return f"set thousands: {grouped[1]!r} in the step; if {column!r} is text, set its dtype to str"
    if _DECIMAL_COMMA.fullmatch(text) and not has_decimals:
        return f"set decimal: ',' in the step; if {column!r} is text, set its dtype to str"
    return f"correct the value in the file; if {column!r} is text, set its dtype to str"
