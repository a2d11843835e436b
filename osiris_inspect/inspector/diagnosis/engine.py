"""Every rule over one run, and which finding explains which.

Rules are modules of ``rules/``, found by listing the folder. A rule is a pure function of a run and its lineage. The
engine alone decides what is a cause and what a consequence: a finding on the same step as a kept cause, or downstream
of it, becomes its consequence. A step downstream of one that failed, and that died of something else than the want of
a frame, has a cause of its own.
"""

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Protocol

from osiris_inspect.inspector.diagnosis import rules as folder
from osiris_inspect.inspector.diagnosis.evidence.quotes import verify_quotes
from osiris_inspect.inspector.run.error_phrases import may_be_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Finding, Severity, SkippedRule, message_template

FALLBACK_RULE = "unexplained-failure"
DEFAULT_RANK = 50


class Check(Protocol):
    """What a rule does."""

    def __call__(self, run: Run, lineage: Lineage, /) -> Iterator[Finding]:
        """What the rule finds in a run; nothing where there is nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: its name, that of its module with hyphens.
        needs: what a run must have recorded for the rule to be asked: parts of a run, or names of events. Failures may
            stand in the run card or the status file as well as among the events.
        rank: which of two findings on one step explains the other: the lower one.
        manual: its docstring.
        is_foreign: whether it was written outside of this package: then what it raises is told, not raised.
    """

    id: str
    needs: tuple[str, ...]
    rank: int
    rule_manual: str
    check: Check
    is_external: bool = False


@cache
def builtin_rules() -> tuple[Rule, ...]:
    """Every rule of the folder, by name."""
    modules = (
        module.name
        for module in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}.")
        if not module.ispkg
    )
    return tuple(
        _rule(import_module(name)) for name in sorted(modules, key=lambda name: name.rpartition(".")[2])
    )


def _rule(module: ModuleType) -> Rule:
    return rule_of(module, module.__name__.rpartition(".")[2])


def rule_of(module: ModuleType, name: str, *, is_external: bool = False) -> Rule:
    """The rule that a module holds.

    Raises:
        AttributeError: the module lacks ``NEEDS`` or ``check``.
    """
    return Rule(
        id=name.replace("_", "-"),
        needs=tuple(module.NEEDS),
        rank=getattr(module, "RANK", DEFAULT_RANK),
        rule_manual=(module.__doc__ or "").strip(),
        check=module.check,
        is_external=is_external,
    )


def rule_manual(rule: str) -> str | None:
    """The manual of a rule; None where there is no such rule."""
    return next((known.rule_manual for known in builtin_rules() if known.id == rule), None)


def run_rules(
    run: Run, lineage: Lineage, extra_rules: Sequence[Rule] = ()
) -> tuple[tuple[Finding, ...], tuple[SkippedRule, ...]]:
    """What all rules find in a run, worst first, each cause before its consequences; and which could not be asked.

    ``more`` are rules beside those of this package.
    """
    found: list[Finding] = []
    skipped: list[SkippedRule] = []
    for rule in (*builtin_rules(), *extra_rules):
        lacking = [need for need in rule.needs if not _is_recorded(run, need)]
        if lacking:
            skipped.append(SkippedRule(rule.id, f"this run does not record {', '.join(lacking)}"))
        elif rule.is_external:
            findings, fault = _run_external(rule, run, lineage)
            found += findings
            skipped += [SkippedRule(rule.id, fault)] if fault else []
        else:
            found += rule.check(run, lineage)
    proved = verify_quotes(run, _merge_duplicates([_adjust_severity(finding, run) for finding in found]))
    return _order_causes(
        proved, run, lineage, {rule.id: rule.rank for rule in (*builtin_rules(), *extra_rules)}
    ), tuple(skipped)


def _run_external(rule: Rule, run: Run, lineage: Lineage) -> tuple[list[Finding], str]:
    """What a rule of somebody else finds, or what went wrong with it."""
    try:
        findings = list(rule.check(run, lineage))
    except Exception as error:  # noqa: BLE001  code of somebody else: whatever it raises ends only this rule
        return [], f"the rule raised {type(error).__name__}: {excerpt(str(error), 200)}"
    return [replace(finding, rule=rule.id) for finding in findings], ""


def _adjust_severity(finding: Finding, run: Run) -> Finding:
    """An error explains a failure; in a run that succeeded the same finding is a warning."""
    if run.status == "success" and finding.severity == Severity.ERROR:
        return replace(finding, severity=Severity.WARNING)
    return finding


def _is_recorded(run: Run, need: str) -> bool:
    parts: Mapping[str, object] = {
        "events": run.events,
        "failures": run.events or run.failure or any(step.failure for step in run.steps),
        "steps": run.steps,
        "metrics": run.metrics,
        "manifest": run.manifest,
        "run card": run.card,
        "status file": run.status_file,
        "commands": run.worker_requests,
        "text logs": run.log_lines,
        "configuration": any(step.config for step in run.steps),
    }
    if need in parts:
        return bool(parts[need])
    return any(event.name == need for event in run.key_events)


def _merge_duplicates(found: Sequence[Finding]) -> list[Finding]:
    """One finding for each rule and step, the first with the evidence of them all."""
    kept: dict[str, Finding] = {}
    for finding in found:
        before = kept.get(finding.id)
        if before is None:
            kept[finding.id] = finding
        else:
            kept[finding.id] = replace(before, evidence=(*before.evidence, *finding.evidence)[:5])
    return list(kept.values())


def _order_causes(
    found: Sequence[Finding], run: Run, lineage: Lineage, ranks: Mapping[str, int]
) -> tuple[Finding, ...]:
    place = {step.id: number for number, step in enumerate(run.steps)}

    def order(finding: Finding) -> tuple[int, int, int, int, str]:
        return (
            finding.severity.rank,
            _position(finding, place),
            ranks[finding.rule],
            finding.confidence.rank,
            finding.rule,
        )

    causes: list[Finding] = []
    consequences: dict[str, list[Finding]] = {}
    for finding in sorted(found, key=order):
        cause = next((kept for kept in causes if _is_consequence(kept, finding, lineage, run)), None)
        if cause is None:
            causes.append(finding)
        elif finding.rule != FALLBACK_RULE:
            consequences.setdefault(cause.id, []).append(replace(finding, caused_by=cause.id))
    return tuple(item for cause in causes for item in (cause, *consequences.get(cause.id, ())))


def _position(finding: Finding, place: Mapping[str, int]) -> int:
    """Where a finding stands in the course of a run: compile and preparation first, then the steps, then its end."""
    if finding.step is not None:
        return place.get(
            finding.step, -1
        )  # a step that left no trace of its own comes before those it left without
    if finding.rule == FALLBACK_RULE:
        return len(place) + 2
    return -1 if finding.stage in ("compile", "prepare") else len(place) + 1


def _is_consequence(cause: Finding, finding: Finding, lineage: Lineage, run: Run) -> bool:
    """Whether ``finding`` is a consequence of ``cause``. Only an error explains an error."""
    if cause.severity != Severity.ERROR:
        related = cause.rule == finding.rule and cause.step is not None
        return related and finding.step in lineage.downstream(cause.step or "")
    if finding.severity != Severity.ERROR:
        return False
    if finding.rule == FALLBACK_RULE and finding.step is None:
        return True
    if cause.step is None or finding.step is None:
        return _explains_run(cause, finding)
    below = finding.step in lineage.downstream(cause.step) and not _is_independent(finding, cause, run)
    return finding.step == cause.step or below


def _explains_run(cause: Finding, finding: Finding) -> bool:
    """Whether one explains the other where one of them is about the whole run."""
    if cause.step is None:
        return cause.stage in ("compile", "prepare") or finding.step is None
    return finding.stage not in ("compile", "prepare")


def _is_independent(finding: Finding, cause: Finding, run: Run) -> bool:
    """Whether a step that got nothing from a failed one died of something that a frame would not have spared it.

    What went wrong with both in the same words is one fault of the place they ran in.
    """
    upstream, step = run.step(cause.step or ""), run.step(finding.step or "")
    if upstream is None or upstream.status != "failed" or step is None or step.failure is None:
        return False
    if finding.rule == FALLBACK_RULE or may_be_missing_input(step.failure.message):
        return False
    return finding.rule != cause.rule or _wording(finding) != _wording(cause)


def _wording(finding: Finding) -> str:
    """A message without what differs from step to step."""
    return message_template(finding.message.replace(finding.step or "", ""))
