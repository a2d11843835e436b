"""A column's name contains a delimiter, or a byte order mark.

What it finds:
    A source with few columns of which one is named like a whole header: `id;amount;day`. Also a name that begins with
    a byte order mark.

Why it matters:
    The file was read with the wrong delimiter or encoding. Every row has one value, and later steps find no column.

How to fix:
    Set the delimiter of the file, or its encoding (`utf-8-sig` for a byte order mark). If the name is right, allow
    this rule for the step.

Example:
    `src` returned one column, `id;name;amount`.
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

NEEDS = ("steps",)
EXPLAINS = ("source-columns-changed",)
MAX_COLUMNS = 3
TEMPLATE = FindingTemplate(Severity.WARNING, "config")
_NAMES = {";": "a semicolon", "\t": "a tab", "|": "a vertical bar", ",": "a comma"}
_PART = LazyRegex(r"\s{0,3}\"?[^\W\d]\w{0,60}(?:[ .-]\w{1,60}){0,4}\"?\s{0,3}")
_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find sources with a column that is named like a header."""
    for step in run.steps:
        frame = run.frames.get(step.id)
        if frame is None or (step.inputs and not step.is_source) or query_of(step.config) is not None:
            continue
        marked = next((column.name for column in frame.columns if column.name.startswith(_MARKS)), None)
        delimiter, name = _joined_name(frame)
        if delimiter:
            columns = "one column" if len(frame.columns) == 1 else f"{len(frame.columns)} columns"
            yield TEMPLATE.finding(
                f"returned {columns}, and {name!r} contains {_NAMES[delimiter]}: the file was read with another delimiter",
                frame_evidence(frame, name),
                step=step.id,
                fix=f"set the delimiter of the file to {_NAMES[delimiter]}; if this is the name of a column, allow this rule for the step",
            )
        elif marked is not None:
            yield TEMPLATE.finding(
                f"the name of the column {marked!r} begins with a byte order mark",
                frame_evidence(frame, marked),
                step=step.id,
                fix="set the encoding of the file to utf-8-sig",
            )


def _joined_name(frame: FrameFacts) -> tuple[str, str]:
    """Return the delimiter in the name of a column, and the name; empty if there is none."""
    if not 1 <= len(frame.columns) <= MAX_COLUMNS:
        return "", ""
    for column in frame.columns:
        for delimiter in _NAMES:
            parts = column.name.split(delimiter)
            is_prose = f"{delimiter} " in column.name  # as in "comment; free text"
            needed = 3 if is_prose or len(frame.columns) > 1 else 2
            if len(parts) >= needed and all(map(_PART.fullmatch, parts)):
                return delimiter, column.name
    return "", ""
