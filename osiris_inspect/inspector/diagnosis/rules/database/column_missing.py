"""A query, a file or a target has no column of the requested name.

What it finds:
    An error that reports a missing column.

Why it matters:
    The name is misspelt, or the schema of the source has changed.

How to fix:
    Use the name in the source, or adapt the pipeline to the new schema.

Example:
    `Binder Error: Referenced column "custommer_id" not found in FROM clause!`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.traceback_frames import (
    last_file,
    pandas_lookup,
    raising_frame,
    subscripted_mapping,
)
from osiris_inspect.model.finding import Confidence, Severity

SEARCHES = ("errors",)
REFINES = ("table-missing", "query-failed", "request-refused", "write-failed")


_IN_DOUBLE_QUOTES = LazyRegex(r"column \\{0,2}\"[^\"\n]{1,120}\" does not exist")


def _fix(_run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    if "parse_dates" in text.text or "Usecols" in text.text:
        return "correct the column name in the configuration; compare it with the header of the file"
    if _IN_DOUBLE_QUOTES.search(text.text):
        return "use a column name that exists in the source; a text value needs single quotes in the query"
    return "use a column name that exists in the source"


def _is_label(_run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    """Return True if pandas looked up labels of rows, which are values, not columns."""
    groups = match.groupdict()
    if not (groups.get("c8") or groups.get("c10")) or "[columns]" in match[0]:
        return False
    return "[index]" in match[0] or pandas_lookup(text.traceback) == "label"


_KEY = LazyRegex(r"\bKeyError: (?P<key>['\"](?!Level )[^'\"\n]{1,200}['\"]|\d{1,12})$", re.MULTILINE)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Unknown column '(?P<c1>[^'\n]{1,120})'"
            r"|Referenced column \"(?P<c2>[^\"\n]{1,120})\" not found"
            r"|column \"?(?P<c3>[^\"\s\n]{1,120})\"? (?:of relation \S{1,80} )?does not exist"
            r"|Usecols do not match columns, columns expected but not found: (?P<c4>[^\n]{1,120})"
            r"|Table \"[^\"]{1,80}\" does not have a column named \"(?P<c6>[^\"\n]{1,120})\""
            r"|(?P<c8>\[[^\]\n]{1,160}\]) not (?:found in axis|in index)"
            r"|None of \[[^\[\n]{0,40}\(?(?P<c10>\[[^\]\n]{1,160}\])[^\n]{0,60}\] are in the \[(?:columns|index)\]"
            r"|column '(?P<c9>[^'\n]{1,120})' (?:is )?(?:not (?:there|found|in)|missing|unknown)"
            r"|Requested level \((?P<c5>[^)\n]{1,120})\) does not match index name"
            r"|Column not found: (?P<c7>[^\n]{1,120})"
            r"|no such column: (?P<c11>[\w.]{1,120})"
        ),
        message="column {name} was not found",
        fix=_fix,
        domain="config",
        error_class="no column",
        unless=_is_label,
    ),
    ErrorPattern(
        pattern=r"Could not find the '(?P<c1>[^'\n]{1,120})' column of '(?P<c2>[^'\n]{1,120})'",
        message="column {name} was missing in the table, or the service had not noticed it yet",
        fix="compare the columns of the frame with those of the table; if the column exists there, run "
        "NOTIFY pgrst, 'reload schema' in the database",
        domain="config",
        confidence=Confidence.MEDIUM,
        error_class="no column in cache",
    ),
)
_MAX_SPACES = 4
"""A key with more spaces is a sentence."""
_KEY_ERROR = FindingTemplate(Severity.ERROR, "code")
_PANDAS = LazyRegex(r"(?:^|[/\\])pandas[/\\]")
_FRAME = LazyRegex(r"(?i)(?:^|[._])(?:\w{0,40}df\d?|frames?|\w{0,40}_frame|row|rows|records?)$")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also a KeyError of a DataFrame or of a row."""
    for error, match in matching_errors(run, _KEY):
        step = run.step(error.step or "")
        raised_by_pandas = _PANDAS.search(last_file(error.traceback)) is not None
        if raised_by_pandas and pandas_lookup(error.traceback) in ("label", "group"):
            continue
        is_column = raised_by_pandas or _indexes_frame(error, match["key"])
        if step is None or not is_column or match["key"].count(" ") > _MAX_SPACES:
            continue
        stored = [
            event
            for event in run.events_named("output_stored")
            if event.step in {entry.from_step for entry in step.inputs} and event.fields.get("columns")
        ]
        columns = ", ".join([str(name) for event in stored for name in event.fields["columns"]][:12])
        yield _KEY_ERROR.finding(
            f"the driver used column {match['key']}, which did not exist",
            error.evidence(match[0]),
            *(event_evidence(event, "columns") for event in stored[:2]),
            step=step.id,
            confidence=Confidence.HIGH if raised_by_pandas else Confidence.MEDIUM,
            fix="use a column name that exists in the input" + (f": {columns}" if columns else ""),
        )


def _indexes_frame(error: ErrorText, key: str) -> bool:
    """Return True if the line that raised the error reads the key of a DataFrame or of a row."""
    frame = raising_frame(error.traceback, "KeyError: ")
    name = subscripted_mapping(frame, key.strip("'\"")) if frame is not None else None
    return name is not None and _FRAME.search(name) is not None
