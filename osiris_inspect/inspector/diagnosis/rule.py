"""Rules and the findings they report."""

from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple, Protocol

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Domain, Evidence, Finding, Severity, Stage

DEFAULT_NEEDS = ("failures",)

Findings = Iterator[Finding]


class Check(Protocol):
    """The function of a rule."""

    def __call__(self, run: Run, lineage: Lineage, /) -> Findings:
        """Yield the findings of the rule in a run."""


class Rule(NamedTuple):
    """One rule.

    Attributes:
        id: the name of the rule's module, with hyphens.
        needs: what a run must have recorded, otherwise the rule is skipped: parts of a run, or event names.
        searches: names of which a run must have recorded at least one, otherwise the rule finds nothing; empty for any run.
        refines: rules or groups of rules that state the same fact more generally.
        explains: rules or groups of rules that state an effect of this one.
        leads_to: rules about failures downstream that a warning of this rule causes, if the facts agree.
        is_general: any rule that is not general refines this one.
        group: the folder of the rule's module; empty for a rule outside of this package.
        rule_manual: the docstring of the rule's module.
        is_external: the rule is not part of this package; an exception it raises is reported, not propagated.
    """

    id: str
    needs: tuple[str, ...]
    rule_manual: str
    check: Check
    searches: tuple[str, ...] = ()
    refines: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()
    is_general: bool = False
    group: str = ""
    is_external: bool = False


def build_rule(module: ModuleType, name: str, *, is_external: bool = False) -> Rule:
    """Return the rule that a module declares: its ``PATTERNS``, its function ``check``, or both.

    Raises:
        AttributeError: the module has neither.
    """
    patterns = getattr(module, "PATTERNS", ())
    extra_check = getattr(module, "check", None) if patterns else module.check

    has_logs = any(pattern.search_text_logs for pattern in patterns)
    of_patterns = ("errors", "text logs") if has_logs else ("errors",)

    def check(run: Run, lineage: Lineage, /) -> Findings:
        for pattern in patterns:
            yield from pattern.find_all(run)
        if extra_check is not None:
            yield from extra_check(run, lineage)

    return Rule(
        id=name.replace("_", "-"),
        needs=tuple(getattr(module, "NEEDS", DEFAULT_NEEDS)),
        rule_manual=(module.__doc__ or "").strip(),
        check=check,
        searches=tuple(getattr(module, "SEARCHES", of_patterns if extra_check is None else ())),
        refines=tuple(getattr(module, "REFINES", ())),
        explains=tuple(getattr(module, "EXPLAINS", ())),
        leads_to=tuple(getattr(module, "LEADS_TO", ())),
        is_general=getattr(module, "IS_GENERAL", False),
        group=module.__name__.split(".")[-2] if "." in module.__name__ else "",
        is_external=is_external,
    )


class FindingTemplate(NamedTuple):
    """Common values of the findings of a rule; the engine adds the rule id."""

    severity: Severity
    domain: Domain
    fix: str = ""
    confidence: Confidence = Confidence.HIGH
    stage: Stage = "step"

    def finding(
        self,
        message: str,
        *evidence: Evidence,
        step: str | None = None,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        stage: Stage | None = None,
        fix: str | None = None,
    ) -> Finding:
        """Return a finding; arguments override the template."""
        return Finding(
            "",
            severity or self.severity,
            confidence or self.confidence,
            self.domain,
            message,
            evidence,
            step,
            stage or self.stage,
            fix or self.fix,
        )
