"""A file was read with the wrong delimiter, and a later step does not find its columns.

What it finds:
    A step that failed because a column is missing, although the only names that the error proposes contain that column
    between delimiters: `id;amount;day`.

Why it matters:
    The whole header became the name of one column. The step that failed and its query are correct.

How to fix:
    Set the delimiter of the file in the step that reads it.

Example:
    `Referenced column "day" not found in FROM clause! Candidate bindings: "id;amount;day"`
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.citations import (
    config_evidence,
    error_evidence,
    event_evidence,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.file_source import file_source
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors
from osiris_inspect.inspector.diagnosis.evidence.headline import error_headline
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.error_phrases import MAX_TEXT
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepFailure, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Severity

SEARCHES = ("errors",)
EXPLAINS = ("column-missing", "query-failed", "csv-ragged")
TEMPLATE = FindingTemplate(Severity.ERROR, "config")
_MISSING = LazyRegex(
    r"Referenced column \"(?P<c1>[^\"\n]{1,120})\" not found"
    r"|does not have a column named \"(?P<c2>[^\"\n]{1,120})\""
    r"|Column \"(?P<c3>[^\"\n]{1,120})\" does not exist on \w{1,10} side of join"
    r"|KeyError: ['\"](?P<c4>[^'\"\n]{1,120})['\"]"
    r"|Usecols do not match columns, columns expected but not found: \['(?P<c5>[^'\n]{1,120})'"
)
_CANDIDATES = LazyRegex(r"Candidate bindings: (?P<names>(?:\"[^\"\n]{1,400}\"(?:, )?){1,40})")
_DELIMITERS = {";": "';'", "\t": "a tab", "|": "'|'", ",": "','", "^": "'^'", "~": "'~'"}
_LISTED = LazyRegex(r"has no column '[^'\n]{1,200}'[^\n;]{0,60}; it has (?P<names>[^\n;]{1,400})")
_MAX_NAMES = 3
_MAX_SHOWN = 5


class _Header(NamedTuple):
    """A header that became the name of one column."""

    name: str
    delimiter: str
    evidence: Evidence


def check(run: Run, lineage: Lineage) -> Findings:
    """Find steps that miss a column that is a part of the only column of their source."""
    for error, match in matching_errors(run, _MISSING):
        step = run.step(error.step or "")
        column = next((value for value in match.groups() if value), "").rpartition(".")[2]
        if step is None or not column:
            continue
        names = _CANDIDATES.search(error.text)
        proposed = re.findall(r"\"([^\"\n]{1,400})\"", names["names"]) if names else []
        headers = list(_headers(proposed, column, error.evidence(proposed[0] if proposed else match[0])))
        headers += _stored_headers(run, step, column)
        source = file_source(run, lineage, step)
        configured = source.config.get("delimiter") if source is not None else None
        header = next((header for header in headers if header.delimiter != configured), None)
        if header is None:
            continue
        with_delimiter = f" with delimiter {configured!r}" if isinstance(configured, str) else ""
        file = source.config.get("path") if source is not None else None
        subject = f"file {file!r} was read" if isinstance(file, str) else "the source was read"
        delimiter = _DELIMITERS[header.delimiter]
        yield TEMPLATE.finding(
            f"{subject}{with_delimiter}, but its header {header.name!r} is separated by {delimiter}; column {column!r} "
            f"of step {step.id!r} is a part of it",
            header.evidence,
            *([config_evidence(source.id, "delimiter")] if source is not None and with_delimiter else ()),
            step=source.id if source is not None else step.id,
            confidence=Confidence.HIGH if source is not None else Confidence.MEDIUM,
            fix=f"set the delimiter of {f'step {source.id!r}' if source is not None else 'the source'} to {delimiter}",
        )
    for step in run.steps_with_errors:
        yield from _only_column(run, lineage, step)


def _only_column(run: Run, lineage: Lineage, step: StepState) -> Findings:
    """Report a source with one column if a step downstream needs several others."""
    source = file_source(run, lineage, step)
    frame = run.frames.get(source.id) if source is not None else None
    if (
        source is None
        or frame is None
        or len(frame.columns) != 1
        or step.failure is None
        or source.id == step.id
    ):
        return
    expected = _expected_columns(step.failure)
    name = frame.columns[0].name
    if len(expected) < 2 or name in expected:
        return
    yield TEMPLATE.finding(
        f"{error_headline(step.failure.message)}{SEPARATOR}file {source.config['path']!r} was read as one column {name!r}, but step {step.id!r} needs "
        f"{', '.join(map(repr, expected[:_MAX_SHOWN]))}: the file is probably separated by another delimiter",
        Evidence(frame.file, frame.line, name),
        *error_evidence(step),
        step=source.id,
        confidence=Confidence.MEDIUM,
        fix=f"compare the delimiter of step {source.id!r} with the first line of the file",
    )


def _expected_columns(failure: StepFailure) -> list[str]:
    """Return the columns that an error about a missing column lists."""
    facts = failure.info.facts if failure.info is not None and failure.info.kind == "column-missing" else {}
    listed = facts.get("columns")
    if isinstance(listed, list | tuple):
        return list(map(str, listed))
    match = _LISTED.search(failure.message[:MAX_TEXT])
    return [name.strip(" '\"") for name in match["names"].split(",")] if match else []


def _headers(names: list[str], column: str, evidence: Evidence) -> Iterator[_Header]:
    """Yield the names that contain a column between delimiters; a frame with more names was read correctly."""
    if len(names) > _MAX_NAMES:
        return
    for name in names:
        for delimiter in _DELIMITERS:
            parts = [part.strip().strip("'\"").casefold() for part in name.split(delimiter)]
            if len(parts) > 1 and column.casefold() in parts:
                yield _Header(name, delimiter, evidence)


def _stored_headers(run: Run, step: StepState, column: str) -> Iterator[_Header]:
    """Yield the headers among the columns that the inputs of a step had when they were stored."""
    inputs = {entry.from_step for entry in step.inputs}
    for event in run.events_named("output_stored"):
        columns = event.fields.get("columns")
        if event.step in inputs and isinstance(columns, list):
            yield from _headers(list(map(str, columns)), column, event_evidence(event, "columns"))
