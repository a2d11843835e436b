"""SARIF 2.1.0 for code scanning and viewers: a result a finding, its evidence as a code flow through the log.

GitHub takes one run a tool and category, 25,000 results of which it keeps 5,000, and shows the first place only. So all
reports are one SARIF run, its strongest 5,000 findings are kept, and the first place is the line of the pipeline file.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, TextIO
from urllib.parse import quote

from osiris_inspect.inspector.diagnosis.engine import rule_manual
from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations, log_path
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.model.finding import Evidence, Severity
from osiris_inspect.model.version import __version__

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT: Final = "osirisInspect/v1"
MOST: Final = 5000
LONGEST: Final = 1000
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_PRECISIONS: Final = {"high": "very-high", "medium": "medium", "low": "low"}


def render(
    reports: Sequence[Report],
    out: TextIO,
    *,
    width: int = 100,
    color: bool = False,
    ci: CIContext = NO_CI,
) -> None:
    """Write one document; findings over the limit are counted in a notification."""
    del width, color  # for formats that people read
    json.dump(document(reports, ci.checkout), out, indent=2)
    out.write("\n")


def document(reports: Sequence[Report], checkout: RepositoryCheckout) -> dict[str, Any]:
    """The document, as plain values."""
    entries = annotations(reports, checkout)
    kept = entries[:MOST]
    rules = sorted({entry.finding.rule for entry in kept})
    run = {
        "tool": {"driver": _driver(rules, kept)},
        "automationDetails": {"id": "osiris-inspect/"},
        "invocations": [_invocation(len(entries) - len(kept))],
        "columnKind": "unicodeCodePoints",
        "results": [_result(entry, rules.index(entry.finding.rule), checkout) for entry in kept],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(rules: Sequence[str], entries: Sequence[Annotation]) -> dict[str, Any]:
    return {
        "name": "osiris-inspect",
        "semanticVersion": __version__,
        "rules": [_rule(rule, [entry for entry in entries if entry.finding.rule == rule]) for rule in rules],
    }


def _rule(rule: str, entries: Sequence[Annotation]) -> dict[str, Any]:
    text = rule_manual(rule) or rule
    first = entries[0].finding
    return {
        "id": rule,
        "shortDescription": {"text": text.partition("\n")[0]},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[first.severity]},
        "properties": {"tags": [first.domain], "precision": _PRECISIONS[str(first.confidence)]},
    }


def _invocation(left_out: int) -> dict[str, Any]:
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if left_out:
        text = f"{left_out:,} findings are left out: a document holds the {MOST:,} strongest"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return invocation


def _result(entry: Annotation, rule_index: int, checkout: RepositoryCheckout) -> dict[str, Any]:
    finding = entry.finding
    steps = [_evidence(entry.report, piece, checkout) for piece in finding.evidence]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": "note" if finding.in_baseline else _LEVELS[finding.severity],
        "message": {"text": _escaped(entry.text(LONGEST))},
        "locations": [_source(entry) if entry.file is not None else steps[0]["location"]],
        "codeFlows": [{"threadFlows": [{"locations": steps}]}],
        "partialFingerprints": {FINGERPRINT: entry.fingerprint},
        "properties": _properties(entry),
    }
    if finding.in_baseline:
        result["baselineState"] = "unchanged"
    return result


def _properties(entry: Annotation) -> dict[str, Any]:
    finding = entry.finding
    told = {
        "run": one_line(entry.report.run.id),
        "pipeline": one_line(entry.report.run.pipeline or ""),
        "step": one_line(finding.step or ""),
        "stage": finding.stage,
        "domain": finding.domain,
        "confidence": str(finding.confidence),
        "because": one_line(finding.caused_by or ""),
        "fix": one_line(finding.fix or ""),
    }
    return {key: value for key, value in told.items() if value}


def _source(entry: Annotation) -> dict[str, Any]:
    return {"physicalLocation": _physical(entry.file or "", max(1, entry.line))}


def _evidence(report: Report, piece: Evidence, checkout: RepositoryCheckout) -> dict[str, Any]:
    place = _physical(log_path(report, piece, checkout), max(1, piece.line))
    place["region"]["snippet"] = {"text": truncate(one_line(piece.quote), LONGEST)}
    return {"location": {"physicalLocation": place, "message": {"text": _escaped(one_line(str(piece)))}}}


def _physical(file: str, line: int) -> dict[str, Any]:
    location = {"uri": quote(one_line(file)), "uriBaseId": "%SRCROOT%"}
    return {"artifactLocation": location, "region": {"startLine": line}}


def _escaped(text: str) -> str:
    """A message text in which ``[a](b)`` is no link and ``{0}`` no placeholder."""
    if "](" in text:
        for sign in "\\[]":
            text = text.replace(sign, f"\\{sign}")
    return text.replace("{", "{{").replace("}", "}}")
