"""GitLab's Code Quality report: a list of findings with their places.

A fingerprint is shown once, so a finding that several runs share is one entry that counts them. GitLab shows the
description alone, which therefore begins with the rule.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations, log_path
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import finding_scope
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.model.finding import Severity

MOST: Final = 5000
LONGEST_DESCRIPTION: Final = 1000
_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    ci: CIContext = NO_CI,
) -> None:
    """Write the list, strongest first; what is over the limit is one entry more, which counts it."""
    del width, color  # for formats that people read
    by_fingerprint: dict[str, list[Annotation]] = {}
    for entry in annotations(reports, ci.checkout):
        by_fingerprint.setdefault(entry.fingerprint, []).append(entry)
    groups = list(by_fingerprint.items())
    entries = [_entry(fingerprint, group, ci.checkout) for fingerprint, group in groups[:MOST]]
    if len(groups) > MOST:
        entries.append(_more(len(groups) - MOST, entries[0]["location"]))
    json.dump(entries, out, indent=2)
    out.write("\n")


def _entry(fingerprint: str, group: Sequence[Annotation], checkout: RepositoryCheckout) -> dict[str, Any]:
    entry, finding = group[0], group[0].finding
    runs = f" (in {len(group)} runs)" if len(group) > 1 else ""
    known = "known: " if finding.in_baseline else ""
    message = f"{known}{finding.rule}, {finding_scope(finding)}: {finding.message}"
    return {
        "description": truncate(one_line(message), LONGEST_DESCRIPTION) + runs,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _severity(entry),
        "location": _location(entry, checkout),
    }


def _severity(entry: Annotation) -> str:
    consequence = entry.finding.caused_by is not None and not entry.finding.in_baseline
    return "minor" if consequence else _SEVERITIES[entry.level]


def _location(entry: Annotation, checkout: RepositoryCheckout) -> dict[str, Any]:
    """The pipeline file; the log where that is not known, since an entry without a place is dropped."""
    if entry.file is not None:
        return {"path": entry.file, "lines": {"begin": entry.line or 1}}
    evidence = entry.finding.evidence[0]
    return {
        "path": log_path(entry.report, evidence, checkout),
        "lines": {"begin": max(1, evidence.line)},
    }


def _more(count: int, location: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": f"{count:,} more findings are left out here",
        "check_name": "osiris-inspect",
        "fingerprint": "0" * 32,
        "severity": "info",
        "location": location,
    }
