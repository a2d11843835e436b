"""SARIF 2.1.0 for code scanning: one result per finding, with its evidence as a code flow through the log.

GitHub accepts one run per tool and category, keeps 5,000 results, and shows only the first location. So all reports are
one SARIF run with the 5,000 most severe findings, and the first location is the line of the pipeline file.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, TextIO
from urllib.parse import quote

from osiris_inspect.inspector.diagnosis.engine import rule_manual
from osiris_inspect.inspector.export import NO_CI, CIContext
from osiris_inspect.inspector.export.shared.annotations import Annotation, annotations, log_position
from osiris_inspect.inspector.project.source_location import RepositoryCheckout
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.text.sanitize import one_line, truncate
from osiris_inspect.model.finding import Evidence, Severity
from osiris_inspect.model.version import __version__

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT: Final = "osirisInspect/v1"
MAX_RESULTS: Final = 5000
MAX_TEXT: Final = 1000
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_PRECISIONS: Final = {"high": "very-high", "medium": "medium", "low": "low"}


def render(reports: Sequence[Report], out: TextIO, *, ci: CIContext = NO_CI, **_ignored: object) -> None:
    """Write one document; a notification counts the findings over the limit."""
    json.dump(document(reports, ci.checkout), out, indent=2)
    out.write("\n")


def document(reports: Sequence[Report], checkout: RepositoryCheckout) -> dict[str, Any]:
    """Return the document as plain values."""
    entries = annotations(reports, checkout)
    listed = entries[:MAX_RESULTS]
    rules = sorted({entry.finding.rule for entry in listed})
    run = {
        "tool": {"driver": _driver(rules, listed)},
        "automationDetails": {"id": "osiris-inspect/"},
        "invocations": [_invocation(len(entries) - len(listed))],
        "columnKind": "unicodeCodePoints",
        "results": [_result(entry, rules.index(entry.finding.rule), checkout) for entry in listed],
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


def _invocation(omitted: int) -> dict[str, Any]:
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if omitted:
        text = f"{omitted:,} findings are omitted: only the {MAX_RESULTS:,} most severe are listed"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    return invocation


def _result(entry: Annotation, rule_index: int, checkout: RepositoryCheckout) -> dict[str, Any]:
    finding = entry.finding
    steps = [_evidence(entry.report, piece, checkout) for piece in finding.evidence]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": "note" if finding.in_baseline else _LEVELS[finding.severity],
        "message": {"text": _escaped(entry.text(MAX_TEXT))},
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
    properties = {
        "run": one_line(entry.report.run.id),
        "pipeline": one_line(entry.report.run.pipeline or ""),
        "step": one_line(finding.step or ""),
        "stage": finding.stage,
        "domain": finding.domain,
        "confidence": str(finding.confidence),
        "because": one_line(finding.caused_by or ""),
        "fix": one_line(finding.fix or ""),
    }
    return {key: value for key, value in properties.items() if value}


def _source(entry: Annotation) -> dict[str, Any]:
    return {"physicalLocation": _physical(entry.file or "", max(1, entry.line))}


def _evidence(report: Report, piece: Evidence, checkout: RepositoryCheckout) -> dict[str, Any]:
    position = log_position(report, piece, checkout)
    location = _physical(position.path, max(1, position.line))
    location["region"]["snippet"] = {"text": truncate(one_line(piece.quote), MAX_TEXT)}
    return {"location": {"physicalLocation": location, "message": {"text": _escaped(one_line(str(piece)))}}}


def _physical(file: str, line: int) -> dict[str, Any]:
    location = {"uri": quote(one_line(file)), "uriBaseId": "%SRCROOT%"}
    return {"artifactLocation": location, "region": {"startLine": line}}


def _escaped(text: str) -> str:
    """Escape links ``[a](b)`` and placeholders ``{0}`` of a message text."""
    if "](" in text:
        for sign in "\\[]":
            text = text.replace(sign, f"\\{sign}")
    return text.replace("{", "{{").replace("}", "}}")
