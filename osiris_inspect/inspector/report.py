"""A report: a run, its lineage and what the rules found. What every screen and every format is made from."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.inspector.lineage import Lineage, trace
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding, NotChecked

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnose import Rule
    from osiris_inspect.inspector.index import Progress
    from osiris_inspect.inspector.repository.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of one run.

    ``findings`` stand worst first, each cause directly before its consequences; ``allowed`` are those that somebody
    allowed: they are not shown and fail nothing.
    """

    run: Run
    lineage: Lineage
    findings: tuple[Finding, ...]
    not_checked: tuple[NotChecked, ...] = ()
    allowed: tuple[Finding, ...] = ()

    @property
    def root_cause(self) -> Finding | None:
        """The finding that explains why the run is not a success; None for a successful or a running one."""
        if self.run.status in ("success", "running"):
            return None
        return next(
            (finding for finding in self.findings if finding.because is None and finding.severity == "error"),
            None,
        )

    def consequences(self, cause: Finding) -> tuple[Finding, ...]:
        """The findings that ``cause`` explains."""
        return tuple(finding for finding in self.findings if finding.because == cause.address)


def report(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    more: Sequence["Rule"] = (),
    repository: Path | None = None,
    told: "Progress | None" = None,
) -> Report:
    """Read the run at ``path`` and ask every rule.

    ``cache`` and ``told`` as for ``loading.load``, the rest as for ``judged``.

    Raises:
        UnreadableRun: the path is no run.
        SettingsError: the repository's settings say something that cannot be.
    """
    from osiris_inspect.inspector.reading.loading import load  # whoever only shows a report reads no run

    return judged(load(path, now=now, cache=cache, told=told), more=more, repository=repository)


def judged(run: Run, *, more: Sequence["Rule"] = (), repository: Path | None = None) -> Report:
    """What every rule, and ``more``, say of a run.

    ``repository`` is the folder whose settings count: its own rules are asked too, and what it allows is taken out.
    Without one only the rules of this package are asked, and nothing is allowed.

    Raises:
        SettingsError: the repository's settings say something that cannot be.
    """
    from osiris_inspect.inspector.diagnose import diagnose

    own = settings(repository) if repository is not None else None
    lineage = trace(run)
    findings, not_checked = diagnose(run, lineage, (*more, *(own.rules if own else ())))
    told = Report(run, lineage, findings, not_checked)
    if own is None or repository is None:
        return told
    from osiris_inspect.inspector.repository.allowances import applied, of_pipeline

    return applied(told, (*own.allowances, *of_pipeline(told, repository)))


@functools.cache
def settings(repository: Path) -> "Configuration":
    """The settings of a repository, read once.

    Raises:
        SettingsError: they say something that cannot be.
    """
    from osiris_inspect.inspector.repository.configuration import read

    return read(repository)
