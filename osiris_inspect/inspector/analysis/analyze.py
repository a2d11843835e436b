"""A report: a run, its lineage and what the rules found. What every screen and every format is made from."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.event_log.index.line_index import ProgressCallback
    from osiris_inspect.inspector.project.config_file import ProjectConfig


def analyze(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    extra_rules: Sequence["Rule"] = (),
    repository: Path | None = None,
    on_progress: "ProgressCallback | None" = None,
) -> Report:
    """Read the run at ``path`` and ask every rule.

    ``cache`` and ``told`` as for ``loading.load``, the rest as for ``judged``.

    Raises:
        RunNotReadable: the path is no run.
        SettingsError: the repository's settings say something that cannot be.
    """
    from osiris_inspect.inspector.reader.loader import load  # whoever only shows a report reads no run

    return diagnose_run(
        load(path, now=now, cache=cache, on_progress=on_progress),
        extra_rules=extra_rules,
        repository=repository,
    )


def diagnose_run(run: Run, *, extra_rules: Sequence["Rule"] = (), repository: Path | None = None) -> Report:
    """What every rule, and ``more``, say of a run.

    ``repository`` is the folder whose settings count: its own rules are asked too, and what it allows is taken out.
    Without one only the rules of this package are asked, and nothing is allowed.

    Raises:
        SettingsError: the repository's settings say something that cannot be.
    """
    from osiris_inspect.inspector.diagnosis.engine import run_rules

    own = project_settings(repository) if repository is not None else None
    lineage = build_lineage(run)
    findings, skipped_rules = run_rules(run, lineage, (*extra_rules, *(own.rules if own else ())))
    told = Report(run, lineage, findings, skipped_rules)
    if own is None or repository is None:
        return told
    from osiris_inspect.inspector.project.suppressions import apply_suppressions, comment_suppressions

    return apply_suppressions(told, (*own.suppressions, *comment_suppressions(told, repository)))


@functools.cache
def project_settings(repository: Path) -> "ProjectConfig":
    """The settings of a repository, read once.

    Raises:
        SettingsError: they say something that cannot be.
    """
    from osiris_inspect.inspector.project.config_file import load_project_config

    return load_project_config(repository)
