"""GitLab's Code Quality report: a list of findings with their locations.

GitLab shows each fingerprint once, so a finding of several runs is one entry with their number. It shows only the
description, which therefore begins with the rule.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, TextIO

from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations, log_position
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.summary import finding_scope
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.model.finding import Severity

MAX_ENTRIES: Final = 5000
MAX_DESCRIPTION: Final = 1000
_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write the list, most severe first; one more entry counts those over the limit."""
    by_fingerprint: dict[str, list[Annotation]] = {}
    for entry in annotations(reports, ci.checkout):
        by_fingerprint.setdefault(entry.fingerprint, []).append(entry)
    groups = list(by_fingerprint.items())
    entries = [_entry(fingerprint, group, ci.checkout) for fingerprint, group in groups[:MAX_ENTRIES]]
    if len(groups) > MAX_ENTRIES:
        entries.append(_more(len(groups) - MAX_ENTRIES, entries[0]["location"]))
    json.dump(entries, out, indent=2)
    out.write("\n")


def _entry(fingerprint: str, group: Sequence[Annotation], checkout: RepositoryCheckout) -> dict[str, Any]:
    entry, finding = group[0], group[0].finding
    runs = f" (in {len(group)} runs)" if len(group) > 1 else ""
    known = "known: " if finding.in_baseline else ""
    message = f"{known}{finding.rule}, {finding_scope(finding)}: {finding.message}"
    return {
        "description": truncate(one_line(message), MAX_DESCRIPTION) + runs,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _severity(entry),
        "location": _location(entry, checkout),
    }


def _severity(entry: Annotation) -> str:
    consequence = entry.finding.caused_by is not None and not entry.finding.in_baseline
    return "minor" if consequence else _SEVERITIES[entry.level]


def _location(entry: Annotation, checkout: RepositoryCheckout) -> dict[str, Any]:
    """Return the position in the pipeline file, or in the log; GitLab drops an entry without a position."""
    if entry.file is not None:
        return {"path": entry.file, "lines": {"begin": entry.line or 1}}
    position = log_position(entry.report, entry.finding.evidence[0], checkout)
    return {"path": position.path, "lines": {"begin": max(1, position.line)}}


def _more(count: int, location: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": f"{count:,} more findings are omitted",
        "check_name": "osiris-inspect",
        "fingerprint": "0" * 32,
        "severity": "info",
        "location": location,
    }
