"""Runs as the repository we work in wants them told: with its own rules, without what it allows."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.cli.support import paths as places

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.project.config_file import ProjectConfig
    from osiris_inspect.inspector.project.suppressions import Suppression
    from osiris_inspect.inspector.run.report import Report


def configuration() -> "ProjectConfig":
    """The settings of the folder we work in.

    Raises:
        SettingsError: they say something that cannot be.
    """
    from osiris_inspect.inspector.analysis.analyze import project_settings

    return project_settings(Path.cwd())


def rules() -> tuple["Rule", ...]:
    """Every rule: those of this package, of installed packages and of the repository."""
    from osiris_inspect.inspector.diagnosis.engine import builtin_rules as built_in

    return (*built_in(), *configuration().rules)


def load_reports(runs: Iterable[Path]) -> list["Report"]:
    """The report of each run, with what is allowed taken out.

    Raises:
        RunNotReadable: one of them is no run.
    """
    from osiris_inspect.inspector.analysis.analyze import analyze

    now, here, kept = time.time(), Path.cwd(), places.cache_dir()
    return [analyze(run, now=now, cache=kept, repository=here) for run in runs]


def unused_suppressions(told: Sequence["Report"]) -> list["Suppression"]:
    """What allows nothing in these reports: entries of the configuration, and comments of their pipelines."""
    from osiris_inspect.inspector.project.suppressions import comment_suppressions
    from osiris_inspect.inspector.project.suppressions import unused_suppressions as without_use

    comments = [allowance for report in told for allowance in comment_suppressions(report, Path.cwd())]
    return without_use(told, list(dict.fromkeys([*configuration().suppressions, *comments])))
