"""Reports of runs with the rules and suppressions of the current folder."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.cli.support.paths import cache_dir

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.project.config_file import ProjectConfig
    from osiris_inspect.inspector.project.suppressions import Suppression
    from osiris_inspect.inspector.run.report import Report


def configuration() -> "ProjectConfig":
    """Return the settings of the current folder.

    Raises:
        SettingsError: they are invalid.
    """
    from osiris_inspect.inspector.analysis.analyze import project_settings

    return project_settings(Path.cwd())


def rules() -> tuple["Rule", ...]:
    """Return the rules of this package, of installed packages and of the current folder."""
    from osiris_inspect.inspector.diagnosis.engine import builtin_rules

    return (*builtin_rules(), *configuration().rules)


def iter_reports(runs: Iterable[Path]) -> Iterator["Report"]:
    """Yield the report of each run, without suppressed findings.

    Raises:
        RunNotReadable: a path is not a run.
    """
    from osiris_inspect.inspector.analysis.analyze import analyze

    now, cache = time.time(), cache_dir()
    for run in runs:
        yield analyze(run, now=now, cache=cache, repository=Path.cwd())


def unused_suppressions(reports: Sequence["Report"]) -> list["Suppression"]:
    """Return the suppressions of the settings and of pipeline comments that match no finding of these reports."""
    from osiris_inspect.inspector.project import suppressions

    comments = [
        entry for report in reports for entry in suppressions.comment_suppressions(report, Path.cwd())
    ]
    return suppressions.unused_suppressions(
        reports, list(dict.fromkeys([*configuration().suppressions, *comments]))
    )
