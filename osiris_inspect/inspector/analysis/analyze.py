"""A report: a run, its lineage and what the rules found. What every screen and every format is made from."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.inspector.run.lineage import trace
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.engine import Rule
    from osiris_inspect.inspector.event_log.index.line_index import Progress
    from osiris_inspect.inspector.project.config_file import Configuration


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
    from osiris_inspect.inspector.reader.loader import load  # whoever only shows a report reads no run

    return judged(load(path, now=now, cache=cache, told=told), more=more, repository=repository)


def judged(run: Run, *, more: Sequence["Rule"] = (), repository: Path | None = None) -> Report:
    """What every rule, and ``more``, say of a run.

    ``repository`` is the folder whose settings count: its own rules are asked too, and what it allows is taken out.
    Without one only the rules of this package are asked, and nothing is allowed.

    Raises:
        SettingsError: the repository's settings say something that cannot be.
    """
    from osiris_inspect.inspector.diagnosis.engine import diagnose

    own = settings(repository) if repository is not None else None
    lineage = trace(run)
    findings, not_checked = diagnose(run, lineage, (*more, *(own.rules if own else ())))
    told = Report(run, lineage, findings, not_checked)
    if own is None or repository is None:
        return told
    from osiris_inspect.inspector.project.suppressions import applied, of_pipeline

    return applied(told, (*own.allowances, *of_pipeline(told, repository)))


@functools.cache
def settings(repository: Path) -> "Configuration":
    """The settings of a repository, read once.

    Raises:
        SettingsError: they say something that cannot be.
    """
    from osiris_inspect.inspector.project.config_file import read

    return read(repository)
