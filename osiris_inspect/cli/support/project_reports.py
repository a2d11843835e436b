"""Runs as the repository we work in wants them told: with its own rules, without what it allows."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.cli.support import paths as places

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.engine import Rule
    from osiris_inspect.inspector.project.config_file import Configuration
    from osiris_inspect.inspector.project.suppressions import Allowance
    from osiris_inspect.inspector.run.report import Report


def configuration() -> "Configuration":
    """The settings of the folder we work in.

    Raises:
        SettingsError: they say something that cannot be.
    """
    from osiris_inspect.inspector.analysis.analyze import settings

    return settings(Path.cwd())


def rules() -> tuple["Rule", ...]:
    """Every rule: those of this package, of installed packages and of the repository."""
    from osiris_inspect.inspector.diagnosis.engine import rules as built_in

    return (*built_in(), *configuration().rules)


def reports(runs: Iterable[Path]) -> list["Report"]:
    """The report of each run, with what is allowed taken out.

    Raises:
        UnreadableRun: one of them is no run.
    """
    from osiris_inspect.inspector.analysis.analyze import report

    now, here, kept = time.time(), Path.cwd(), places.cache()
    return [report(run, now=now, cache=kept, repository=here) for run in runs]


def unused(told: Sequence["Report"]) -> list["Allowance"]:
    """What allows nothing in these reports: entries of the configuration, and comments of their pipelines."""
    from osiris_inspect.inspector.project.suppressions import of_pipeline
    from osiris_inspect.inspector.project.suppressions import unused as without_use

    comments = [allowance for report in told for allowance in of_pipeline(report, Path.cwd())]
    return without_use(told, list(dict.fromkeys([*configuration().allowances, *comments])))
