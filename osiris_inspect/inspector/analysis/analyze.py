"""Build the report of a run: read it, apply the rules, then the suppressions of the project."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.event_log.index.line_index import ProgressCallback
    from osiris_inspect.inspector.project.config_file import ProjectConfig
    from osiris_inspect.inspector.project.project import Project


def analyze(
    path: Path,
    *,
    now: float | None = None,
    cache: Path | None = None,
    extra_rules: Sequence["Rule"] = (),
    project: "Project | None" = None,
    on_progress: "ProgressCallback | None" = None,
) -> Report:
    """Read the run at ``path`` and apply every rule.

    ``now``, ``cache`` and ``on_progress`` are passed to ``loader.load``, the other arguments to ``diagnose_run``.

    Raises:
        RunNotReadable: the path is not a run.
        SettingsError: the settings of the project are invalid.
    """
    from osiris_inspect.inspector.reader.loader import load  # not needed to show a report made elsewhere

    run = load(path, now=now, cache=cache, on_progress=on_progress)
    return diagnose_run(run, extra_rules=extra_rules, project=project)


def diagnose_run(run: Run, *, extra_rules: Sequence["Rule"] = (), project: "Project | None" = None) -> Report:
    """Return the report of a run.

    Rules and suppressions of ``project`` apply. Without one only the built-in rules and
    ``extra_rules`` run, and nothing is suppressed.

    Raises:
        SettingsError: the settings of the project are invalid.
    """
    from osiris_inspect.inspector.analysis.last_success import with_last_success
    from osiris_inspect.inspector.diagnosis.engine import run_rules
    from osiris_inspect.inspector.reader.counts.earlier_runs import (
        read_earlier_runs,
        read_failed_runs,
        run_inputs,
    )
    from osiris_inspect.inspector.reader.counts.frame_facts import read_frame_facts

    earlier_runs, failed_runs = read_earlier_runs(run), read_failed_runs(run)
    run = replace(run, frames=read_frame_facts(run), earlier_runs=earlier_runs, failed_runs=failed_runs)
    run = replace(run, inputs=run_inputs(run)) if earlier_runs or failed_runs else run
    config = project_settings(project) if project is not None else None
    lineage = build_lineage(run)
    findings, skipped_rules = run_rules(run, lineage, (*extra_rules, *(config.rules if config else ())))
    findings = with_last_success(run, findings)
    run = replace(run, earlier_runs=(), failed_runs=())  # a report is sent between processes
    report = Report(run, lineage, findings, skipped_rules)
    if config is None or project is None:
        return report
    from osiris_inspect.inspector.project.suppressions import apply_suppressions, comment_suppressions

    return apply_suppressions(report, (*config.suppressions, *comment_suppressions(report, project)))


@functools.cache
def project_settings(project: "Project") -> "ProjectConfig":
    """Return the settings of a project, read once per process.

    Raises:
        SettingsError: the settings are invalid.
    """
    from osiris_inspect.inspector.project.config_file import load_project_config

    return load_project_config(project)
