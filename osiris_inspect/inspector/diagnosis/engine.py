"""Runs every rule over a run and separates root causes from consequences.

Rules are the modules of ``rules/``. A rule is a pure function of a run and its lineage. A finding becomes a
consequence of a root cause if it concerns the same step, or a step downstream that failed because its input was
missing. A downstream step that failed for another reason has a root cause of its own.
"""

import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import chain, groupby

from osiris_inspect.inspector.diagnosis import rules
from osiris_inspect.inspector.diagnosis.evidence.error_text import CAUSED_BY
from osiris_inspect.inspector.diagnosis.evidence.quotes import verify_quotes
from osiris_inspect.inspector.diagnosis.recorded_facts import RecordedFacts
from osiris_inspect.inspector.diagnosis.rule import Rule, build_rule
from osiris_inspect.inspector.diagnosis.rule_index import indexed_rules
from osiris_inspect.inspector.diagnosis.rule_order import RuleOrder
from osiris_inspect.inspector.diagnosis.upstream_links import link_upstream_warnings
from osiris_inspect.inspector.run.error_phrases import may_be_missing_input
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.error_info import ERROR_KINDS
from osiris_inspect.model.finding import Finding, Severity, SkippedRule, message_template

FALLBACK_RULE = "unexplained-failure"
REPORTED_RULE = "reported-error"
LIBRARY_RULE = "library-error"
MAX_EVIDENCE = 5
_OF_A_CONNECTION = frozenset({
    "authentication-failed", "connection-failed", "connection-refused", "connection-unresolved", "database-missing",
    "environment-variable-missing", "host-not-found", "network-timeout", "tls-failed",
})  # fmt: skip
"""Rules whose finding concerns a connection: steps that use it fail with one message."""
_ABOUT_COLUMNS = frozenset(
    ("column-all-null", "differs-from-earlier-runs", "operand-without-value", "values-missing-or-new")
)
_QUOTED = LazyRegex(r"'[^'\n]{1,100}'")
_OCCASIONAL = frozenset(
    (
        "text logs",
        "dtype_downgraded",
        "driver_registration_failed",
        "table.ddl_planned",
        "driver_file_verified",
        "source_changed",
    )
)
"""Records that only some runs have, whatever recorded them."""


@cache
def builtin_rules() -> tuple[Rule, ...]:
    """Return the rules of this package, then the kinds of errors that have no rule of their own, each sorted by id.

    The reported errors come first, then the tables of known errors: of two findings of one kind the first is kept,
    with the words of the runtime or of the library.
    """
    modules = ((name, import_module(name)) for name in rule_modules())
    return _in_order(build_rule(module, name.rpartition(".")[2]) for name, module in modules)


def rule_modules() -> Iterator[str]:
    """Yield the names of the modules of rules."""
    for module in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}."):
        if not module.ispkg:
            yield module.name


@cache
def _applied_rules() -> tuple[Rule, ...]:
    """Return the rules of ``builtin_rules`` without their manuals; a module is imported when its rule is applied."""
    return _in_order(indexed_rules())


def _in_order(rules_of_modules: Iterable[Rule]) -> tuple[Rule, ...]:
    built = {rule.id: rule for rule in rules_of_modules}
    kinds = [_rule_of_kind(kind) for kind in sorted(ERROR_KINDS) if kind not in built]
    first = (REPORTED_RULE, LIBRARY_RULE)
    others = sorted(built.keys() - set(first))
    return (*(built[name] for name in (*first, *others)), *kinds)


def _rule_of_kind(kind: str) -> Rule:
    """Return a rule for the manual of a kind, whose findings another rule reports."""
    manual = (
        f"{ERROR_KINDS[kind].description}\n\n"
        "What it finds:\n    An error that the runtime recorded with this kind.\n\n"
        "Why it matters:\n    The step did not complete its work, and steps that need it are skipped.\n\n"
        "How to fix:\n    Follow the remedy of the finding; the step that failed states it.\n\n"
        f'Example:\n    `"error_info": {{"kind": "{kind}", ...}}`'
    )
    return Rule(kind, (), manual, lambda _run, _lineage: iter(()))


@cache
def builtin_order() -> RuleOrder:
    """Return the declared order of the rules of this package."""
    return RuleOrder(_applied_rules())


def rule_manual(rule_id: str) -> str | None:
    """Return the manual of a built-in rule, or None if the rule does not exist."""
    return next((rule.rule_manual for rule in builtin_rules() if rule.id == rule_id), None)


def run_rules(
    run: Run, lineage: Lineage, extra_rules: Sequence[Rule] = ()
) -> tuple[tuple[Finding, ...], tuple[SkippedRule, ...]]:
    """Run all rules and return the findings and the skipped rules.

    Findings are sorted: worst first, and each root cause before its consequences.
    """
    all_rules = (*_applied_rules(), *extra_rules)
    findings: list[Finding] = []
    skipped: list[SkippedRule] = []
    facts = RecordedFacts(run)
    for rule in all_rules:
        missing = [need for need in rule.needs if not facts.has(need)]
        if missing:
            could_matter = not any(_did_not_occur(run, need) for need in missing)
            reason = f"this run does not record {', '.join(missing)}"
            skipped.append(SkippedRule(rule.id, reason, could_matter))
        elif rule.is_external:
            external_findings, error = _run_external(rule, run, lineage)
            findings += external_findings
            skipped += [SkippedRule(rule.id, error)] if error else []
        elif facts.has_any(rule.searches):
            findings += _run_rule(rule, run, lineage)
    verified = verify_quotes(run, _merge_duplicates(_adjust_severity(finding, run) for finding in findings))
    order = RuleOrder(all_rules) if extra_rules else builtin_order()
    groups = link_upstream_warnings(_order_causes(verified, run, lineage, order), all_rules, run, lineage)
    return tuple(chain.from_iterable(groups)), tuple(skipped)


def _run_external(rule: Rule, run: Run, lineage: Lineage) -> tuple[list[Finding], str]:
    """Return the findings of an external rule, or the error that it raised."""
    try:
        return _run_rule(rule, run, lineage), ""
    except Exception as error:  # noqa: BLE001  third-party code: an exception skips only this rule
        return [], f"the rule raised {type(error).__name__}: {excerpt(str(error), 200)}"


def _run_rule(rule: Rule, run: Run, lineage: Lineage) -> list[Finding]:
    """Return the findings of a rule; a built-in rule may give a finding another id, such as the kind of an error."""
    return [
        finding if finding.rule and not rule.is_external else replace(finding, rule=rule.id)
        for finding in rule.check(run, lineage)
    ]


def _adjust_severity(finding: Finding, run: Run) -> Finding:
    """Lower an error to a warning if the run succeeded: an error explains a failure."""
    if run.status == "success" and finding.severity == Severity.ERROR:
        return replace(finding, severity=Severity.WARNING)
    return finding


def _did_not_occur(run: Run, need: str) -> bool:
    """Return True if a run has no record of something because it did not occur, so that no rule about it matters."""
    return (need == "failures" and run.status == "success") or need in _OCCASIONAL


def _merge_duplicates(findings: Iterable[Finding]) -> list[Finding]:
    """Merge the findings of one rule on one step into the first of the most confident, with the evidence of all."""
    merged: dict[str, Finding] = {}
    for finding in findings:
        first = merged.get(finding.id)
        if first is None:
            merged[finding.id] = finding
        else:
            ordered = sorted((first, finding), key=lambda each: (each.severity.rank, each.confidence.rank))
            evidence = tuple(item for each in ordered for item in each.evidence)[:MAX_EVIDENCE]
            merged[finding.id] = replace(ordered[0], evidence=evidence)
    return list(merged.values())


def _order_causes(
    findings: Sequence[Finding], run: Run, lineage: Lineage, order: RuleOrder
) -> list[tuple[Finding, ...]]:
    """Return the findings sorted, each cause with its consequences behind it."""
    step_numbers = {step.id: number for number, step in enumerate(run.steps)}

    def scope(finding: Finding) -> tuple[int, int]:
        return finding.severity.rank, _position(finding, step_numbers)

    causes: list[Finding] = []
    shared_causes: dict[tuple[str, str], Finding] = {}
    causes_of_step: dict[str | None, list[int]] = {}
    consequences: dict[str, list[Finding]] = {}
    ordered = sorted(findings, key=scope)
    for _, group in groupby(ordered, key=scope):
        for finding in _causes_first(list(group), run, order):
            upstream = frozenset(lineage.predecessors(finding.step) if finding.step is not None else ())
            steps = (None, finding.step, *upstream) if finding.step is not None else causes_of_step
            numbers = sorted(chain.from_iterable(causes_of_step.get(step, ()) for step in steps))
            candidates = (causes[number] for number in numbers)
            explained = (each for each in candidates if _is_consequence(each, finding, upstream, run, order))
            cause = next(explained, None) or _cause_of_cause(finding, consequences, causes, order)
            shared = _shared_cause(finding)
            cause = cause or shared_causes.get(shared or ("", ""))
            if cause is None:
                if shared is not None:
                    shared_causes[shared] = finding
                causes_of_step.setdefault(finding.step, []).append(len(causes))
                causes.append(finding)
            elif finding.rule != FALLBACK_RULE:
                consequences.setdefault(cause.id, []).append(replace(finding, caused_by=cause.id))
    return [(cause, *consequences.get(cause.id, ())) for cause in causes]


def _shared_cause(finding: Finding) -> tuple[str, str] | None:
    """Return what the failures of steps without a common frame agree in if one connection is the cause of all."""
    if finding.severity != Severity.ERROR or finding.step is None or finding.rule not in _OF_A_CONNECTION:
        return None
    names = (f"step {finding.step!r}", f"step {finding.step}")
    return finding.rule, finding.message.replace(names[0], "step").replace(names[1], "step")


def _causes_first(findings: list[Finding], run: Run, order: RuleOrder) -> list[Finding]:
    """Return findings of one severity and step in an order in which no finding precedes its cause.

    Independent findings are ordered by their confidence; those about the error itself precede those about the
    exceptions that led to it, such as the failed lookup inside of a library.
    """
    remaining = sorted(
        findings, key=lambda finding: (finding.confidence.rank, CAUSED_BY in finding.message, finding.rule)
    )
    ordered: list[Finding] = []
    while remaining:
        first = next(
            (
                finding
                for finding in remaining
                if not any(_precedes(other, finding, run, order) for other in remaining)
            ),
            remaining[0],
        )
        remaining.remove(first)
        ordered.append(first)
    return ordered


def _precedes(finding: Finding, other: Finding, run: Run, order: RuleOrder) -> bool:
    """Return True if ``finding`` is the cause of ``other``, which concerns the same step.

    An error that the step logged before it failed explains a general finding about the error it failed with.
    """
    if finding is other:
        return False
    if order.precedes(finding.rule, other.rule):
        return True
    if order.precedes(other.rule, finding.rule):
        return False
    return _is_attempt(finding, run) and not _is_attempt(other, run) and order.is_general(other.rule)


def _is_attempt(finding: Finding, run: Run) -> bool:
    step = run.step(finding.step or "")
    first = finding.evidence[0]
    return step is not None and any(
        (first.file, first.line) == (attempt.file, attempt.line) for attempt in step.attempts
    )


def _position(finding: Finding, step_numbers: Mapping[str, int]) -> int:
    """Return the order of a finding in the run: compile and preparation, then the steps, then the end."""
    if finding.step is not None:
        return step_numbers.get(
            finding.step, -1
        )  # a step without events precedes those that missed its output
    if finding.rule == FALLBACK_RULE:
        return len(step_numbers) + 2
    return -1 if finding.stage in ("compile", "prepare") else len(step_numbers) + 1


def _is_consequence(cause: Finding, finding: Finding, upstream: Set[str], run: Run, order: RuleOrder) -> bool:
    """Return True if ``finding`` is a consequence of ``cause``. Only an error explains an error.

    A warning explains another one of its own rule about a later step, and one that its rule is declared to explain.

    ``upstream`` are the steps that the step of ``finding`` depends on.
    """
    if cause.severity != Severity.ERROR:
        return finding.severity != Severity.ERROR and _explains_warning(cause, finding, upstream, order)
    if finding.severity != Severity.ERROR:
        return False
    if finding.rule == FALLBACK_RULE and finding.step is None:
        return True
    if cause.step is None:
        return cause.stage in ("compile", "prepare") or finding.step is None
    if finding.step is None:
        return finding.stage not in ("compile", "prepare")
    is_downstream = cause.step in upstream
    return finding.step == cause.step or (is_downstream and not _is_independent(finding, cause, run))


def _cause_of_cause(
    finding: Finding,
    consequences: Mapping[str, Sequence[Finding]],
    causes: Sequence[Finding],
    order: RuleOrder,
) -> Finding | None:
    """Return the cause of a warning about the same step that explains this one; None if there is none."""
    for cause in causes:
        if Severity.ERROR in (cause.severity, finding.severity):
            continue
        for effect in consequences.get(cause.id, ()):
            if effect.step == finding.step and order.explains(effect.rule, finding.rule):
                return cause
    return None


def _explains_warning(cause: Finding, finding: Finding, upstream: Set[str], order: RuleOrder) -> bool:
    """Return True if a warning is declared to explain another one, or if both are of one rule and about two steps."""
    if cause.step in upstream and cause.rule == finding.rule:
        return True
    if cause.step is None or not order.explains(cause.rule, finding.rule):
        return False
    is_upstream = cause.step in upstream and _concerns_names_of(finding, cause)
    return cause.step == finding.step or is_upstream


def _concerns_names_of(finding: Finding, cause: Finding) -> bool:
    """Return True unless a finding about a column of another step names none that its cause names."""
    if finding.rule not in _ABOUT_COLUMNS:
        return True
    return bool({*_QUOTED.findall(finding.message)} & {*_QUOTED.findall(cause.message)})


def _is_independent(finding: Finding, cause: Finding, run: Run) -> bool:
    """Return True if a step downstream of a failed step failed for a reason other than its missing input.

    Two steps that failed with the same message share one cause in their environment.
    """
    upstream, step = run.step(cause.step or ""), run.step(finding.step or "")
    if upstream is None or upstream.status != "failed" or step is None or step.failure is None:
        return False
    if finding.rule == FALLBACK_RULE or may_be_missing_input(step.failure.message):
        return False
    return finding.rule != cause.rule or _wording(finding) != _wording(cause)


def _wording(finding: Finding) -> str:
    """Return a message without the parts that differ from step to step."""
    return message_template(finding.message.replace(finding.step or "", ""))
