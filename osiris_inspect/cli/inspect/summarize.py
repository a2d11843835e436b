"""``osiris-inspect summarize``: reports of runs, for people, programs and CI."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from osiris_inspect.cli.inspect import report_output as outputs
from osiris_inspect.cli.inspect.report_output import Color, Files, render, write
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import project_reports, streams
from osiris_inspect.cli.support.exit_codes import FOUND, NO_RUN, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.cli.support.run_names import run_of_file
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.project.baseline import BaselineEntry
    from osiris_inspect.inspector.project.project import Project
    from osiris_inspect.inspector.run.report import Report

FailOn = Literal["error", "warning", "never"]
Confidence = Literal["high", "medium", "low"]

__all__ = ["command", "exit_code", "load_reports", "render", "write"]

_HELP: Final = """Report on runs: verdict, cause with log line, steps, lineage, findings.

Data goes to stdout and to files, messages go to stderr. Exit codes: 0 no findings, 1 findings, or a failed or an
interrupted run, 2 wrong usage, 3 no readable run, 130 this command was interrupted.
"""
_FINDINGS: Final = "Findings and the exit code"
_SELECT_OPTIONS: Final = (
    OptionSpec("latest", "Report only the newest run of each PATH.", ("--latest",), "flag", default=False),
    OptionSpec("failed", "Report only failed runs.", ("--failed",), "flag", default=False),
    OptionSpec(
        "fail_on",
        "Exit with 1 for findings of this severity or worse.",
        ("--fail-on",),
        "choice",
        default="error",
        choices=("error", "warning", "never"),
        panel=_FINDINGS,
    ),
    OptionSpec(
        "exit_zero",
        "Exit with 0 even with findings.",
        ("--exit-zero",),
        "flag",
        default=False,
        panel=_FINDINGS,
    ),
    OptionSpec(
        "min_confidence",
        "Hide findings with less confidence.",
        ("--min-confidence",),
        "choice",
        default="low",
        choices=("high", "medium", "low"),
        panel=_FINDINGS,
    ),
    OptionSpec(
        "baseline",
        "Treat the findings in FILE as known; they do not fail the job.",
        ("--baseline",),
        "path",
        metavar="FILE",
        panel=_FINDINGS,
    ),
    OptionSpec(
        "write_baseline",
        "Write the current findings to FILE as a baseline.",
        ("--write-baseline",),
        "path",
        metavar="FILE",
        panel=_FINDINGS,
    ),
    OptionSpec(
        "rules",
        "Also execute the rules in DIR.",
        ("--rules",),
        "path",
        metavar="DIR",
        panel=_FINDINGS,
        multiple=True,
    ),
    OptionSpec(
        "allow_from",
        "Let comments and settings in FILE allow errors although git does not track it.",
        ("--allow-from",),
        "path",
        metavar="FILE",
        panel=_FINDINGS,
        multiple=True,
    ),
)


def command() -> CommandSpec:
    """Return the command."""
    paths = OptionSpec(
        "paths",
        "Runs, names (@latest, @failed, @prev), folders, .tgz, patterns: 'logs/run_*'.",
        kind="path",
        metavar="PATH",
        multiple=True,
        required=True,
    )
    options = (paths, *outputs.options(), *_SELECT_OPTIONS, *outputs.file_options())
    command = CommandSpec("summarize", _HELP, options, lambda values: summarize(_options(values)))
    return places.with_remote_options(command)


class SummarizeOptions(NamedTuple):
    """The values of the options; ``files`` are the additional files by format."""

    paths: Sequence[Path]
    format: str
    output: Path | None
    summary: Path | None
    color: Color
    latest: bool
    failed: bool
    fail_on: FailOn
    exit_zero: bool
    min_confidence: Confidence
    baseline: Path | None
    write_baseline: Path | None
    rules: Sequence[Path]
    allow_from: Sequence[Path]
    files: Files


def _options(values: Mapping[str, Any]) -> SummarizeOptions:
    own = {key: value for key, value in values.items() if not key.endswith(outputs.FILE_SUFFIX)}
    return SummarizeOptions(files=outputs.requested_files(values), **own)


def summarize(options: SummarizeOptions) -> int:
    """Tell the runs that are asked for, in the forms that are asked for, and give the exit code.

    Raises:
        WrongUse: a file cannot be read or written.
        SettingsError: the configuration or the baseline says something that cannot be.
    """
    known = _entries(options.baseline)
    project = project_reports.current_project(
        rule_folders=options.rules or (), allow_from=options.allow_from or ()
    )
    reports, worst = load_reports(options.paths, project, latest=options.latest)
    unused, untrusted = project_reports.idle_suppressions(reports, project)
    for suppression in unused:
        _info(f"unused suppression: {suppression}")
    for suppression in untrusted:
        file = suppression.source.rpartition(":")[0] or suppression.source
        _info(f"{suppression} does not allow the error: git does not track {file}; name it with --allow-from")
    shown = _apply_baseline(
        _select(reports, failed=options.failed, min_confidence=options.min_confidence), known
    )
    if options.write_baseline is not None:
        shown = _write_baseline(shown, options.write_baseline)
    if reports or not worst:
        wanted = outputs.ReportOutputs(
            options.format, options.output, options.summary, options.files, options.color
        )
        wanted.write(shown, os.environ)
    if reports and not shown:
        _info("no run failed")
    code = exit_code(shown, options.fail_on) or worst
    return 0 if options.exit_zero and code in (0, FOUND) else code


def load_reports(
    paths: Iterable[Path], project: "Project | None" = None, *, latest: bool = False
) -> tuple[Sequence["Report"], int]:
    """Return the reports of all runs under the paths, and an exit code if a path has no run, else 0.

    With ``latest`` only the newest run of each path. A run under two paths is read once. Of many reports most
    are in a temporary file.
    """
    from osiris_inspect.inspector.analysis.report_spool import ReportSpool
    from osiris_inspect.inspector.files.find_runs import find_runs, newest_first

    reports = ReportSpool(places.cache_dir())
    seen: set[Path] = set()
    problems: list[RunNotReadable] = []
    for group, path in enumerate(paths):
        try:
            runs = [
                run
                for match in _matches(path)
                for run in find_runs(places.resolve_path(match), on_left_out=places.report_left_out)
            ]
            runs.sort(key=newest_first)  # those of a pattern are in the order of their names
            new = [run for run in runs[: 1 if latest else None] if run not in seen]
            seen.update(new)
            for report in project_reports.iter_reports(
                dict.fromkeys(new), project, on_unreadable=problems.append
            ):
                reports.add(report, group)
        except RunNotReadable as error:
            problems.append(error)
    for problem in problems:
        _info(str(problem))
    if not problems:
        return reports, 0
    return reports, FOUND if reports else NO_RUN  # an unreadable run among others is a finding


def exit_code(reports: Sequence["Report"], fail_on: FailOn) -> int:
    """Return 1 for findings at or above ``fail_on`` or failed or interrupted runs, 3 if no run is readable, else 0.

    Findings of the baseline do not count, and neither does a failed run whose cause is one.
    """
    if reports and all(report.run.status == "unreadable" for report in reports):
        return NO_RUN
    if fail_on == "never":
        return 0
    return FOUND if any(_fails(report, fail_on) for report in reports) else 0


def _fails(report: "Report", fail_on: FailOn) -> bool:
    from osiris_inspect.inspector.run.summary import INCOMPLETE_STATUSES

    severities = {"error"} if fail_on == "error" else {"error", "warning"}
    if any(finding.severity in severities and not finding.in_baseline for finding in report.findings):
        return True
    is_explained = report.root_cause is not None and report.root_cause.in_baseline
    return report.run.status in INCOMPLETE_STATUSES and not is_explained


def _matches(path: Path) -> list[Path]:
    """Return the folders and files of runs that match a pattern, sorted; the path itself if it is not a pattern."""
    import glob

    from osiris_inspect.inspector.archives.open_archives import archive_stem

    if path.exists() or not glob.has_magic(str(path)) or places.remote_address(path) is not None:
        return [path]
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  a pattern may be absolute; Path.glob takes none
    found = [
        path for path in map(Path, matches) if path.is_dir() or archive_stem(path.name) or run_of_file(path)
    ]
    if not found:
        raise RunNotReadable(f"{str(path)!r} matches no folder and no file of a run")
    return found


def _select(reports: Sequence["Report"], *, failed: bool, min_confidence: Confidence) -> Sequence["Report"]:
    """Return the requested reports, without findings below the minimal confidence."""
    from osiris_inspect.inspector.analysis.report_spool import ReportView
    from osiris_inspect.inspector.run.min_confidence import with_min_confidence
    from osiris_inspect.inspector.run.summary import INCOMPLETE_STATUSES

    numbers: Sequence[int] = range(len(reports))
    if failed:
        numbers = [number for number in numbers if reports[number].run.status in INCOMPLETE_STATUSES]
    return ReportView(reports, numbers, lambda report: with_min_confidence(report, min_confidence))


def _entries(file: Path | None) -> tuple["BaselineEntry", ...]:
    if file is None:
        return ()
    from osiris_inspect.inspector.project import baseline

    try:
        return baseline.load(file.read_bytes(), str(file))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WrongUse(f"--baseline: {str(file)!r} cannot be read: {reason}") from error


def _apply_baseline(reports: Sequence["Report"], known: Sequence["BaselineEntry"]) -> Sequence["Report"]:
    """Return the reports with known findings marked; print the known ones that are fixed."""
    if not known:
        return reports
    from osiris_inspect.inspector.project import baseline

    for entry in baseline.fixed_entries(reports, known):
        _info(f"baseline: fixed: {entry.rule}, {entry.step or entry.pipeline}: {entry.message}")
    return _mark_known(reports, known)


def _write_baseline(reports: Sequence["Report"], file: Path) -> Sequence["Report"]:
    """Write the baseline of these reports; return them with every finding marked as known."""
    from osiris_inspect.inspector.project import baseline

    entries = baseline.baseline_of(reports)
    write(baseline.dump(entries), file, "--write-baseline")
    _info(f"baseline: {len(entries)} findings written to {str(file)!r}")
    return _mark_known(reports, entries)


def _mark_known(reports: Sequence["Report"], entries: Sequence["BaselineEntry"]) -> Sequence["Report"]:
    from osiris_inspect.inspector.analysis.report_spool import map_reports
    from osiris_inspect.inspector.project import baseline

    return map_reports(reports, lambda report: baseline.mark_known(report, entries))


def _info(text: str) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line

    streams.write_message(one_line(text))
