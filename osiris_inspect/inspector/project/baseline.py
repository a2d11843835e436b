"""A baseline: a sorted JSON file of known findings, which are shown but do not fail the job.

Only the fingerprint of an entry is compared; its other fields are for readers of the diff.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.finding import Finding, Severity, fingerprint

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """A known finding."""

    pipeline: str
    step: str
    rule: str
    message: str
    fingerprint: str


_KEYS = tuple(field.name for field in fields(BaselineEntry))


def load(content: bytes, file: str) -> tuple[BaselineEntry, ...]:
    """Return the entries of a baseline file.

    Raises:
        SettingsError: the file is not a baseline; the message names the problem.
    """
    try:
        document = bounded_json.loads(content)
    except ValueError as error:
        raise SettingsError(f"baseline {file!r} is not valid JSON: {error}") from None
    items = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(items, list) or document.get("schema_version") != SCHEMA_VERSION:
        raise SettingsError(
            f"baseline {file!r} does not have schema version {SCHEMA_VERSION}; write a new one with --write-baseline"
        )
    return tuple(_entry(item, number, file) for number, item in enumerate(items, start=1))


def mark_known(report: Report, entries: Collection[BaselineEntry]) -> Report:
    """Return the report with the findings of the baseline marked as known."""
    known = {entry.fingerprint for entry in entries}
    return replace(report, findings=tuple(_marked(finding, report, known) for finding in report.findings))


def fixed_entries(reports: Sequence[Report], entries: Collection[BaselineEntry]) -> list[BaselineEntry]:
    """Return the entries for the pipelines of these reports that match no finding any more."""
    pipelines = {one_line(report.run.pipeline or "") for report in reports}
    current = {_fingerprint(finding, report) for report in reports for finding in report.findings}
    return [entry for entry in entries if entry.pipeline in pipelines and entry.fingerprint not in current]


def baseline_of(reports: Sequence[Report]) -> tuple[BaselineEntry, ...]:
    """Return an entry for every error and warning, sorted; findings that several runs share get one."""
    entries = {
        BaselineEntry(
            one_line(report.run.pipeline or ""),
            one_line(finding.step or ""),
            finding.rule,
            one_line(finding.message),
            _fingerprint(finding, report),
        )
        for report in reports
        for finding in report.findings
        if finding.severity is not Severity.NOTE
    }
    by_fingerprint = {entry.fingerprint: entry for entry in sorted(entries, key=_order, reverse=True)}
    return tuple(sorted(by_fingerprint.values(), key=_order))


def dump(entries: Sequence[BaselineEntry]) -> str:
    """Return the content of a baseline file."""
    document = {"schema_version": SCHEMA_VERSION, "findings": [asdict(entry) for entry in entries]}
    return json.dumps(document, indent=2) + "\n"


def _entry(item: Any, number: int, file: str) -> BaselineEntry:
    values = item if isinstance(item, dict) else {}
    texts = {name: text for name in _KEYS if isinstance(text := values.get(name), str)}
    if len(texts) < len(_KEYS) or not texts["fingerprint"]:
        raise SettingsError(f"baseline {file!r}: entry {number} must have {', '.join(_KEYS)} as strings")
    return BaselineEntry(**texts)


def _marked(finding: Finding, report: Report, known: Collection[str]) -> Finding:
    return replace(finding, in_baseline=True) if _fingerprint(finding, report) in known else finding


def _fingerprint(finding: Finding, report: Report) -> str:
    return fingerprint(finding, report.run.pipeline)


def _order(entry: BaselineEntry) -> tuple[str, ...]:
    return (entry.pipeline, entry.step, entry.rule, entry.message)
