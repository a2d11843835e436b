"""Report: a run, its lineage and its findings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Finding, SkippedRule

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of one run.

    ``findings`` stand worst first, each cause directly before its consequences; ``allowed`` are those that somebody
    allowed: they are not shown and fail nothing.
    """

    run: Run
    lineage: Lineage
    findings: tuple[Finding, ...]
    not_checked: tuple[SkippedRule, ...] = ()
    allowed: tuple[Finding, ...] = ()

    @property
    def root_cause(self) -> Finding | None:
        """The finding that explains why the run is not a success; None for a successful or a running one."""
        if self.run.status in ("success", "running"):
            return None
        return next(
            (
                finding
                for finding in self.findings
                if finding.caused_by is None and finding.severity == "error"
            ),
            None,
        )

    def consequences(self, cause: Finding) -> tuple[Finding, ...]:
        """The findings that ``cause`` explains."""
        return tuple(finding for finding in self.findings if finding.caused_by == cause.id)
