"""A driver contains a programming error.

What it finds:
    An exception that Python raises for a mistake in a program: a wrong type, a missing name or attribute, an
    index out of range.

Why it matters:
    The data and the connections are usually correct; the driver does not handle its input.

How to fix:
    Check the last line of the traceback. `NoneType` in the message means that a value was missing.

Example:
    `AttributeError: 'NoneType' object has no attribute 'groupby'`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors, raised_at
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepFailure, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.traceback_frames import (
    Frame,
    Lookup,
    own_frame,
    pandas_lookup,
    subscripted_mapping,
)
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("steps",)
SEARCHES = ("errors",)
REFINES = ("connection-failed", "table-creation-failed", "unexplained-failure", "write-failed")
IS_GENERAL = True
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "code",
    "correct the driver where the error was raised",
    Confidence.MEDIUM,
)
_MISTAKE = LazyRegex(
    r"'ResolvedInput' object [^\n]{1,120}|(?:\bof type ['\"]|, not )ResolvedInput\b|<class 'osiris_inspect[\w.]{1,60}\.ResolvedInput'>"
    r"|\bResolvedInput\(input_ref=|unsupported operand type\(s\) for [^\n]{1,20}: (?:'\w{1,40}' and )?'ResolvedInput'"
    r"|object (?:has no attribute '[^'\n]{1,80}'|is not (?:callable|iterable|subscriptable))"
    r"|'\w{1,60}' object (?:does not support item|cannot be interpreted)"
    r"|name '[^'\n]{1,80}' is not defined"
    r"|(?:cannot access (?:local|free) variable|local variable|free variable) '[^'\n]{1,80}'"
    r"|unsupported operand type\(s\) for"
    r"|(?:list|tuple|string) index out of range"
    r"|(?:float |integer )?division(?: or modulo)? by zero"
    r"|maximum recursion depth exceeded"
    r"|\w{1,80}\(\) (?:takes|missing|got an unexpected|got multiple|got some)[^\n]{1,80}"
    r"|must be (?:a )?\w{1,30}, not \w{1,30}"
    r"|can only concatenate \w{1,30} |argument of type '\w{1,40}' is not (?:a container or )?iterable"
    r"|unhashable type: '|\bis not iterable$|cannot unpack non-iterable"
    r"|dictionary changed size during iteration|pop from (?:an )?empty|\bmath domain error\b"
    r"|list\.remove\(x\): x not in list|I/O operation on closed file|generator already executing"
    r"|can't (?:compare|subtract) datetime\.\w{1,20}|Cannot mask with |Unable to coerce to Series|Must pass `\w{1,20}` as"
    r"|Length mismatch: Expected axis has|All arrays must be of the same length|Columns must be same length as key"
    r"|Cannot set a DataFrame with multiple columns to the single column|cannot insert [\w.\-]{1,80}, already exists"
    r"|Index contains duplicate entries, cannot reshape|single positional indexer is out-of-bounds"
    r"|Length of values \(\d{1,12}\) does not match length of index|shapes [^\n]{1,60} not aligned"
    r"|Invalid comparison between dtype="
    r"|expected [\w., ]{1,60} object, not \w{1,30}"
    r"|(?:string|list|tuple) indices must be"
    r"|The truth value of a (?:DataFrame|Series|array)"
    r"|(?:not enough|too many) values to unpack"
    r"|not supported between instances of '"
    r"|\bAssertionError\b"
)

_OF_ASSERTION = "look at what the driver checks where the error was raised; correct the data, or the check"
_CERTAIN = LazyRegex(r"name '[^'\n]{1,80}' is not defined|(?:local|free) variable|cannot access")
"""Mistakes that no data can cause."""
_SHIPPED = frozenset(
    [
        "mysql.extractor",
        "duckdb.processor",
        "supabase.extractor",
        "supabase.writer",
        "graphql.extractor",
        "posthog.extractor",
        "filesystem.csv_extractor",
        "filesystem.csv_writer",
    ]
)
"""Drivers that the original ships."""

_KEY = LazyRegex(
    r"\bKeyError: (?P<key>['\"](?!Level )[^'\"\n]{1,200}['\"]|-?\d{1,12}(?:\.\d{1,12})?|None|nan|True|False"
    r"|(?:Timestamp|(?:datetime\.)?(?:date|datetime)|Decimal)\([^()\n]{1,80}\)|\([^()\n]{1,200}\))$"
    r"|(?:None of \[[^\[\n]{0,40}\(?)?(?P<labels>\[[^\]\n]{1,160}\])(?: not (?:found in axis|in index)|[^\n]{0,60}\] are in the \[index\])",
    re.MULTILINE,
)
_RESPONSE = LazyRegex(r"\.json\(\)|\bloads\(|\b(?:response|resp|reply|answer|body|payload)\b")
_OF_RESPONSE = LazyRegex(r"(?i)(?:^|[._])(?:response|resp|reply|answer|body|payload|json|page)\d?$")
_OF_LABEL = FindingTemplate(Severity.ERROR, "data")
_MAX_SPACES = 4
"""A key with more spaces is a sentence."""
_OF_KEY = (
    "look where the driver reads the key: a setting, a variable or a response; if it is a column, use a column name that "
    "exists in the input"
)
_TO_FRAME = (
    "call to_pandas() on the input, for example inputs['df'].to_pandas(): an input is a handle of a DataFrame"
)
_OF_INPUT = LazyRegex(r"\bResolvedInput\b")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that failed with an error that Python raises for a mistake in a program."""
    if run.status not in ("failed", "interrupted"):
        return  # errors before the run started do not come from a driver
    yield from _missing_keys(run)
    for error, match in matching_errors(run, _MISTAKE):
        step = run.step(error.step or "")
        if step is not None and step.failure is not None:
            driver = f"driver {step.driver!r}" if step.driver else "the driver"
            message = f"{error.headline(match[0])}{raised_at(step.failure)}{SEPARATOR}raised by the code of {driver}"
            yield TEMPLATE.finding(
                message,
                *error_evidence(step),
                step=step.id,
                confidence=Confidence.HIGH
                if _CERTAIN.search(match[0]) or _OF_INPUT.search(match[0])
                else None,
                fix=_remedy(run, step.driver or "", match[0]),
            )


def _missing_keys(run: Run) -> Findings:
    """Yield the keys that the code of a step read and that did not exist, with the line of the code."""
    for error, match in matching_errors(run, _KEY):
        step, key = run.step(error.step or ""), match["key"]
        if step is None or step.failure is None or (key and key[0] in "'\"" and key.count(" ") > _MAX_SPACES):
            continue
        frame = own_frame(error.traceback, "KeyError: ")
        lookup = "label" if "[index]" in match[0] else pandas_lookup(error.traceback)
        if lookup in ("label", "group"):
            yield _missing_label(error, match, step, step.failure, lookup)
            continue
        if not key:
            continue  # columns
        name = subscripted_mapping(frame, key.strip("'\"")) if frame is not None else None
        line = f" in {frame.source.strip()!r}" if frame is not None and frame.source.strip() else ""
        yield TEMPLATE.finding(
            f"{error.headline(match[0])}{raised_at(step.failure)}{SEPARATOR}key {key} was missing{line}",
            *error_evidence(step),
            step=step.id,
            confidence=Confidence.HIGH if name or _reads_key(frame, key) else None,
            fix=_fix_of_key(frame, name, key),
        )


def _fix_of_key(frame: Frame | None, name: str | None, key: str) -> str:
    """Return the remedy for a missing key: what the line reads, as far as it shows that."""
    if name is not None and _OF_RESPONSE.search(name):
        return f"look at the response in {name!r}, which has no {key}: it may report an error"
    if name is not None:
        return f"look at what {name!r} contains at this line; the driver expects {key} there"
    if frame is not None and _reads_key(frame, key) and _RESPONSE.search(frame.source):
        return f"look at the body of the response, which has no {key}: it may report an error"
    return f"look at what this line reads; it has no {key}" if _reads_key(frame, key) else _OF_KEY


def _reads_key(frame: Frame | None, key: str) -> bool:
    """Return True if the line that raised the error contains the key in brackets."""
    return frame is not None and (f"[{key}]" in frame.source or f"[{key}]".replace("'", '"') in frame.source)


def _missing_label(
    error: ErrorText, match: re.Match[str], step: StepState, failure: StepFailure, lookup: Lookup
) -> Finding:
    """Return the finding about a value that was looked up in an index or among groups and does not occur there."""
    frame = own_frame(error.traceback, "KeyError: ")
    key = match["key"] or match["labels"]
    line = f" in {frame.source.strip()!r}" if frame is not None and frame.source.strip() else ""
    what = "no group is named" if lookup == "group" else "the index of rows does not contain"
    return _OF_LABEL.finding(
        f"{error.headline(match[0])}{raised_at(failure)}{SEPARATOR}{what} {key}, which the driver looked up{line}",
        *error_evidence(step),
        step=step.id,
        fix=f"check whether the rows have the value {key} (also its spelling and type), and let the driver handle its absence",
    )


def _remedy(run: Run, driver: str, mistake: str) -> str | None:
    """Return the remedy for a mistake; None for the general one."""
    if _OF_INPUT.search(mistake):
        return _TO_FRAME
    return _fix(run, driver) or (_OF_ASSERTION if "AssertionError" in mistake else None)


def _fix(run: Run, driver: str) -> str | None:
    """Return the remedy for a driver that the user cannot correct; None for another."""
    if driver not in _SHIPPED or run.dialect == "native":
        return None
    return "use a version of the driver without this fault, or report it; check the input of the step for missing values"
