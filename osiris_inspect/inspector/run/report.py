"""Report: a run, its lineage and its findings."""

from dataclasses import dataclass

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Finding, SkippedRule


@dataclass(frozen=True, slots=True)
class Report:
    """The result of the analysis of one run.

    Attributes:
        findings: worst first, each cause directly before its consequences.
        allowed: suppressed findings, which are not shown and do not fail a check.
    """

    run: Run
    lineage: Lineage
    findings: tuple[Finding, ...]
    not_checked: tuple[SkippedRule, ...] = ()
    allowed: tuple[Finding, ...] = ()

    @property
    def root_cause(self) -> Finding | None:
        """The finding that explains why the run did not succeed; None for a successful or a running one."""
        if self.run.status in ("success", "running"):
            return None
        causes = (finding for finding in self.findings if finding.caused_by is None)
        return next((finding for finding in causes if finding.severity == "error"), None)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The warnings of a run that succeeded, without those that another one explains; empty for other runs."""
        if self.run.status != "success":
            return ()
        return tuple(
            finding
            for finding in self.findings
            if finding.severity == "warning" and finding.caused_by is None and not finding.in_baseline
        )

    @property
    def skipped_rules_that_matter(self) -> tuple[SkippedRule, ...]:
        """The rules that lacked data and could have found something: none if the cause of a failure was found."""
        if self.root_cause is not None:
            return ()
        return tuple(skipped for skipped in self.not_checked if skipped.could_matter)

    def consequences(self, cause: Finding) -> tuple[Finding, ...]:
        """Return the findings that ``cause`` explains."""
        return tuple(finding for finding in self.findings if finding.caused_by == cause.id)
