"""``osiris-inspect summarize``: what happened in one run or in many, for people, for programs and for CI."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from osiris_inspect.cli import outputs, repository
from osiris_inspect.cli.exits import FOUND, NO_RUN, USAGE
from osiris_inspect.cli.outputs import AUTO, Color, rendered, write
from osiris_inspect.model.errors import UnreadableRun

if TYPE_CHECKING:
    from osiris_inspect.inspector.baseline import Entry
    from osiris_inspect.inspector.report import Report

FailOn = Literal["error", "warning", "never"]
Confidence = Literal["high", "medium", "low"]
Files = dict[str, Path]

__all__ = ["exit_code", "gather", "register", "rendered", "write"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("summarize")(outputs.with_file_options(summarize))


def _formats(typed: str) -> list[str]:
    return [name for name in (AUTO, *outputs.format_names()) if name.startswith(typed)]


def summarize(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="Runs, folders of runs, or patterns such as 'logs/run_*'.",
            show_default=False,
        ),
    ],
    *,
    files: Files,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            help="What to print: auto is github or azure in a job there, else text.",
            autocompletion=_formats,
        ),
    ] = AUTO,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE instead of stdout.")
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write Markdown for a job's summary; with auto on GitHub, to the step's own.",
        ),
    ] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Only the newest run of each PATH.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that did not succeed.")] = False,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit with 1 for findings of this severity or a worse one.")
    ] = "error",
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="Exit with 0 whatever was found.")] = False,
    min_confidence: Annotated[
        Confidence, typer.Option(help="Leave out findings that are less sure than this.")
    ] = "low",
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Findings listed in FILE are shown as known and fail nothing."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what is found now to FILE, as the next baseline."),
    ] = None,
    color: Annotated[Color, typer.Option(help="Color on a terminal, always or never.")] = "auto",
) -> None:
    """Say what happened in each run: verdict, cause with its line in the log, steps, rows, lineage, findings.

    osiris-inspect summarize logs --latest --junit junit.xml --sarif osiris.sarif

    Data goes to stdout and to files, messages go to stderr. Exit code: 0 nothing found, 1 findings or a run that failed,
    2 usage, 3 no readable run, 130 interrupted.
    """
    if format_ not in (AUTO, *outputs.format_names()):
        names = ", ".join((AUTO, *outputs.format_names()))
        raise typer.BadParameter(f"{format_!r} is no format; choose from {names}", param_hint="--format")
    known = _entries(baseline)
    reports, worst = gather(paths, latest=latest)
    for allowance in repository.unused(reports):
        _say(f"allowed and not found: {allowance}")
    shown = _marked(_picked(reports, failed=failed, min_confidence=min_confidence), known)
    if write_baseline is not None:
        shown = _accepted(shown, write_baseline)
    if reports or not worst:
        outputs.Outputs(format_, output, summary, files, color).write(shown, os.environ)
    if reports and not shown:
        _say("no run failed")
    code = exit_code(shown, fail_on) or worst
    raise typer.Exit(0 if exit_zero and code in (0, FOUND) else code)


def gather(paths: Iterable[Path], *, latest: bool = False) -> tuple[list["Report"], int]:
    """The reports of all runs under the paths, and the exit code of the worst path that is none; 0 where all are.

    Of ``latest`` each path gives its newest run alone. A run that two paths lead to is read once.
    """
    from osiris_inspect.inspector.catalog import find_runs

    reports: dict[Path, Report] = {}
    worst = 0
    for path in paths:
        try:
            found = [run for match in _matches(path) for run in find_runs(match)]
            new = [run for run in found[: 1 if latest else None] if run not in reports]
            reports |= dict(zip(new, repository.reports(new), strict=True))
        except UnreadableRun as error:
            _say(str(error))
            worst = max(worst, NO_RUN if path.exists() else USAGE)
    if reports and worst == NO_RUN:
        worst = FOUND  # some runs were readable, so that one was not is a finding
    return list(reports.values()), worst


def exit_code(reports: Sequence["Report"], fail_on: FailOn) -> int:
    """0, or 1 for findings at or above ``fail_on`` and for runs that did not succeed; 3 where none could be read.

    What the baseline knows does not count, and neither does a run whose every cause it knows.
    """
    if reports and all(report.run.status == "unreadable" for report in reports):
        return NO_RUN
    if fail_on == "never":
        return 0
    return FOUND if any(_fails(report, fail_on) for report in reports) else 0


def _fails(report: "Report", fail_on: FailOn) -> bool:
    from osiris_inspect.inspector.summary import BAD

    severities = {"error"} if fail_on == "error" else {"error", "warning"}
    if any(finding.severity in severities and not finding.known for finding in report.findings):
        return True
    is_explained = report.root_cause is not None and report.root_cause.known
    return report.run.status in BAD and not is_explained


def _matches(path: Path) -> list[Path]:
    """A pattern's folders, sorted; a path that is there, or is no pattern, is itself."""
    import glob

    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207  a pattern may be absolute; Path.glob takes none
    folders = [Path(folder) for folder in found if Path(folder).is_dir()]
    if not folders:
        raise UnreadableRun(f"{str(path)!r} matches no folder")
    return folders


def _picked(reports: Iterable["Report"], *, failed: bool, min_confidence: Confidence) -> list["Report"]:
    """The reports asked for, each without findings that are less sure than asked for."""
    from osiris_inspect.inspector.selection import confident
    from osiris_inspect.inspector.summary import BAD

    return [confident(report, min_confidence) for report in reports if not failed or report.run.status in BAD]


def _entries(file: Path | None) -> tuple["Entry", ...]:
    if file is None:
        return ()
    from osiris_inspect.inspector import baseline

    try:
        return baseline.parse(file.read_bytes(), str(file))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise typer.BadParameter(f"{str(file)!r} cannot be read: {why}", param_hint="--baseline") from error


def _marked(reports: list["Report"], known: Sequence["Entry"]) -> list["Report"]:
    """The reports with what is known marked; what is known and no longer found is said."""
    if not known:
        return reports
    from osiris_inspect.inspector import baseline

    for entry in baseline.unused(reports, known):
        _say(f"baseline: no longer found: {entry.rule}, {entry.step or entry.pipeline}: {entry.message}")
    return baseline.mark(reports, known)


def _accepted(reports: list["Report"], file: Path) -> list["Report"]:
    """Write the baseline of these reports; they are given back with all that stands in it as known."""
    from osiris_inspect.inspector import baseline

    entries = baseline.of(reports)
    write(baseline.text(entries), file, "--write-baseline")
    _say(f"baseline: {len(entries)} findings written to {str(file)!r}")
    return baseline.mark(reports, entries)


def _say(text: str) -> None:
    from osiris_inspect.inspector.plain import plain

    sys.stderr.write(f"osiris-inspect: {plain(text)}\n")
