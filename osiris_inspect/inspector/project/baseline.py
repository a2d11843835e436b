"""A baseline: findings that are known. They are shown and fail nothing; what is no longer found is named.

A file of JSON, sorted, so that its diff is read. Only the fingerprint counts; the rest of an entry is for people.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

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
    """The entries of a baseline file.

    Raises:
        SettingsError: it is none; the message names the file and what is wrong with it.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise SettingsError(f"baseline {file!r} is no JSON: {error}") from None
    found = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(found, list) or document.get("schema_version") != SCHEMA_VERSION:
        raise SettingsError(
            f"baseline {file!r} is none of schema version {SCHEMA_VERSION}: --write-baseline writes one"
        )
    return tuple(_entry(item, number, file) for number, item in enumerate(found, start=1))


def mark_known(reports: Sequence[Report], entries: Collection[BaselineEntry]) -> list[Report]:
    """The reports with every finding that the baseline lists marked as known."""
    known = {entry.fingerprint for entry in entries}
    return [
        replace(report, findings=tuple(_marked(finding, report, known) for finding in report.findings))
        for report in reports
    ]


def fixed_entries(reports: Sequence[Report], entries: Collection[BaselineEntry]) -> list[BaselineEntry]:
    """The entries for the pipelines of these reports that no finding has: what was mended since."""
    pipelines = {one_line(report.run.pipeline or "") for report in reports}
    found = {_fingerprint(finding, report) for report in reports for finding in report.findings}
    return [entry for entry in entries if entry.pipeline in pipelines and entry.fingerprint not in found]


def baseline_of(reports: Sequence[Report]) -> tuple[BaselineEntry, ...]:
    """An entry for every error and warning, sorted; one for what several runs share."""
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
    """A baseline file with these entries."""
    document = {"schema_version": SCHEMA_VERSION, "findings": [asdict(entry) for entry in entries]}
    return json.dumps(document, indent=2) + "\n"


def _entry(item: Any, number: int, file: str) -> BaselineEntry:
    given = item if isinstance(item, dict) else {}
    texts = {name: text for name in _KEYS if isinstance(text := given.get(name), str)}
    if len(texts) < len(_KEYS) or not texts["fingerprint"]:
        raise SettingsError(f"baseline {file!r}: entry {number} has not {', '.join(_KEYS)} as texts")
    return BaselineEntry(**texts)


def _marked(finding: Finding, report: Report, known: Collection[str]) -> Finding:
    return replace(finding, in_baseline=True) if _fingerprint(finding, report) in known else finding


def _fingerprint(finding: Finding, report: Report) -> str:
    return fingerprint(finding, report.run.pipeline)


def _order(entry: BaselineEntry) -> tuple[str, ...]:
    return (entry.pipeline, entry.step, entry.rule, entry.message)
