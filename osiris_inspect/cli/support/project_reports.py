"""Reports of runs with the rules and suppressions of the current folder."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.paths import cache_dir
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.diagnosis.rule import Rule
    from osiris_inspect.inspector.project.config_file import ProjectConfig
    from osiris_inspect.inspector.project.project import Project
    from osiris_inspect.inspector.project.suppressions import Suppression
    from osiris_inspect.inspector.run.report import Report

RULES_VARIABLE: Final = "OSIRIS_INSPECT_RULES"
"""Environment variable with folders of rules to execute, separated as in PATH."""


def current_project(*, rule_folders: Iterable[Path] = (), allow_from: Iterable[Path] = ()) -> "Project":
    """Return the project of the current folder, with what the user trusts.

    Raises:
        SettingsError: the user's ``config.toml`` is invalid.
    """
    from osiris_inspect.inspector.project.config_file import has_settings_file
    from osiris_inspect.inspector.project.project import Project

    named = filter(None, os.environ.get(RULES_VARIABLE, "").split(os.pathsep))
    folder = Path.cwd()
    return Project(
        folder,
        trusts_rules=has_settings_file(folder) and folder.resolve() in _trusted_folders(),
        rule_folders=(*map(Path, named), *rule_folders),
        allow_from=tuple(allow_from),
    )


@cache
def _trusted_folders() -> frozenset[Path]:
    from osiris_inspect.cli.support.user_config import trusted_folders

    return frozenset(folder.expanduser().resolve() for folder in trusted_folders())


def configuration(project: "Project") -> "ProjectConfig":
    """Return the settings of a project; print once which rules are not executed.

    Raises:
        SettingsError: they are invalid.
    """
    from osiris_inspect.inspector.analysis.analyze import project_settings

    config = project_settings(project)
    _report_untrusted(config.untrusted_rules, config.file)
    return config


@cache
def _report_untrusted(folders: Sequence[str], file: str) -> None:
    if not folders:
        return
    from osiris_inspect.cli.support.user_config import user_config_file
    from osiris_inspect.inspector.text.sanitize import one_line

    text = f"the rules in {', '.join(map(repr, folders))}, which {file} names, were not executed: to run this code, set \
{RULES_VARIABLE} to the folder, use summarize --rules, or add {str(Path.cwd())!r} to trusted in {str(user_config_file())!r}"
    streams.write_message(one_line(text))


def rules() -> tuple["Rule", ...]:
    """Return the rules of this package, of installed packages and of the current folder."""
    from osiris_inspect.inspector.diagnosis.engine import builtin_rules

    return (*builtin_rules(), *configuration(current_project()).rules)


def iter_reports(
    runs: Iterable[Path],
    project: "Project | None" = None,
    *,
    on_unreadable: Callable[[RunNotReadable], None] | None = None,
) -> Iterator["Report"]:
    """Yield the report of each run, without suppressed findings; by default for the project of the current folder.

    ``on_unreadable`` is called for a run that cannot be read; the next run follows.

    Raises:
        RunNotReadable: a path is not a run, and there is no ``on_unreadable``.
        SettingsError: the settings of the project are invalid.
    """
    from osiris_inspect.inspector.analysis.analyze import analyze

    project = project or current_project()
    configuration(project)
    now, cache = time.time(), cache_dir()
    for run in runs:
        try:
            report = analyze(run, now=now, cache=cache, project=project)
        except RunNotReadable as error:
            if on_unreadable is None:
                raise
            on_unreadable(error)
        else:
            _report_joined_log(run)
            yield report


def _report_joined_log(run: Path) -> None:
    """Print which lines of a log are in which of its rotated parts."""
    from osiris_inspect.inspector.files.run_files import RunFiles
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.model import run_layout as layout

    parts = RunFiles(run).log_parts(layout.EVENTS)
    if len(parts) > 1:
        others = ", ".join(f"{part.file} (from line {part.first_line:,})" for part in parts[1:])
        text = f"{run.name}: {layout.EVENTS} is joined from {parts[0].file}, {others}"
        streams.write_message(one_line(text))


def idle_suppressions(
    reports: Sequence["Report"], project: "Project"
) -> tuple[list["Suppression"], list["Suppression"]]:
    """Return the suppressions that match no finding, and those for errors whose file may not allow errors."""
    from osiris_inspect.inspector.project import suppressions

    comments = [entry for report in reports for entry in suppressions.comment_suppressions(report, project)]
    known = list(dict.fromkeys([*configuration(project).suppressions, *comments]))
    untrusted = suppressions.untrusted_suppressions(reports, known)
    return suppressions.unused_suppressions(reports, known), untrusted
