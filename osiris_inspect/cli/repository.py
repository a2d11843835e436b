"""Runs as the repository we work in wants them told: with its own rules, without what it allows."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.cli import places

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnose import Rule
    from osiris_inspect.inspector.report_value import Report
    from osiris_inspect.inspector.repository.allowances import Allowance
    from osiris_inspect.inspector.repository.configuration import Configuration


def configuration() -> "Configuration":
    """The settings of the folder we work in.

    Raises:
        SettingsError: they say something that cannot be.
    """
    from osiris_inspect.inspector.report import settings

    return settings(Path.cwd())


def rules() -> tuple["Rule", ...]:
    """Every rule: those of this package, of installed packages and of the repository."""
    from osiris_inspect.inspector.diagnose import rules as built_in

    return (*built_in(), *configuration().rules)


def reports(runs: Iterable[Path]) -> list["Report"]:
    """The report of each run, with what is allowed taken out.

    Raises:
        UnreadableRun: one of them is no run.
    """
    from osiris_inspect.inspector.report import report

    now, here, kept = time.time(), Path.cwd(), places.cache()
    return [report(run, now=now, cache=kept, repository=here) for run in runs]


def unused(told: Sequence["Report"]) -> list["Allowance"]:
    """What allows nothing in these reports: entries of the configuration, and comments of their pipelines."""
    from osiris_inspect.inspector.repository.allowances import of_pipeline
    from osiris_inspect.inspector.repository.allowances import unused as without_use

    comments = [allowance for report in told for allowance in of_pipeline(report, Path.cwd())]
    return without_use(told, list(dict.fromkeys([*configuration().allowances, *comments])))
