"""``osiris-inspect diff``: where two runs first diverge, and the differences that may have caused it."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.inspect.report_output import unwritable
from osiris_inspect.cli.inspect.why import terminal_width
from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import project_reports, streams
from osiris_inspect.cli.support.exit_codes import FOUND, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.analysis.stored_frames import StoredFrames
    from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
    from osiris_inspect.inspector.run.run import Run

_HELP: Final = """Show where two runs first diverge, and which differences may have caused it.

With one run, it is compared with the last successful run of its pipeline before it. A is the run that works: if only one
succeeded, it becomes A whatever the order. Exit codes: 0 no step diverges, 1 the runs differ, 2 wrong usage, 3 no readable run.
"""
_OPTIONS: Final = (
    OptionSpec(
        "run",
        "A run, its name (@latest, @failed, @prev), or the newest of a folder or .tgz.",
        kind="path",
        metavar="A",
        required=True,
    ),
    OptionSpec(
        "other",
        "The other run; default: A's last successful predecessor is A, and the run is B.",
        kind="path",
        metavar="B",
    ),
    OptionSpec("step", "Compare only this step and those that it needs.", ("--step",), metavar="ID"),
    OptionSpec(
        "frames",
        "Compare the rows of every frame that both runs kept; default: small ones.",
        ("--frames",),
        "flag",
        default=False,
    ),
    OptionSpec("no_frames", "Open no frame.", ("--no-frames",), "flag", default=False),
    OptionSpec("key", "Match rows by these columns.", ("--key",), metavar="COL[,COL]"),
    OptionSpec(
        "tolerance", "Difference of two floats that counts as rounding.", ("--tolerance",), metavar="X"
    ),
    OptionSpec("rows", "Show at most N rows of each frame.", ("--rows",), "number", default=20, metavar="N"),
    OptionSpec(
        "show_values",
        "Include values of frames in json and markdown.",
        ("--show-values",),
        "flag",
        default=False,
    ),
    OptionSpec(
        "prove",
        "Run the failed step again, with one difference of A at a time.",
        ("--prove",),
        "flag",
        default=False,
    ),
    OptionSpec(
        "allow_writes",
        "Let --prove run a step that reads or writes files or databases.",
        ("--allow-writes",),
        "flag",
        default=False,
    ),
    OptionSpec(
        "ignore",
        "Leave out differences by name; * and ? are wildcards: 'variable *'.",
        ("--ignore",),
        metavar="GLOB",
        multiple=True,
        default=[],
    ),
    OptionSpec(
        "format",
        "Choose the output format.",
        ("--format", "-f"),
        "choice",
        default="text",
        choices=("text", "json", "markdown"),
    ),
    OptionSpec("output", "Write to a file instead of stdout.", ("--output", "-o"), "path", metavar="FILE"),
)


def command() -> CommandSpec:
    """Return the command."""
    return places.with_remote_options(CommandSpec("diff", _HELP, _OPTIONS, diff))


def diff(options: Mapping[str, Any]) -> int:
    """Print the differences of two runs and return the exit code.

    Raises:
        WrongUse: no such step, an option is wrong, or the file cannot be written.
        SettingsError: the settings of the project are invalid.
        RunNotReadable: there is no run, or no successful one to compare with.
    """
    from osiris_inspect.inspector.analysis.diff import diff_runs
    from osiris_inspect.inspector.tables.diff.frame_pair import FramesNotComparable
    from osiris_inspect.inspector.text.sanitize import one_line

    if options["allow_writes"] and not options["prove"]:
        raise WrongUse("--allow-writes: needs --prove, which runs a step")
    if options["frames"] and options["no_frames"]:
        raise WrongUse("--frames: not together with --no-frames")
    base, other = load_pair(options["run"], options["other"])
    step = options["step"]
    if step is not None and all(run.step(step) is None for run in (base, other)):
        steps = ", ".join(dict.fromkeys(state.id for run in (other, base) for state in run.steps))
        raise WrongUse(f"--step: no step {step!r}; the runs have {steps or 'no steps'}")
    unstable = project_reports.configuration(project_reports.current_project()).unstable_steps
    frames = None if options["no_frames"] else _stored_frames(options)
    try:
        result = diff_runs(base, other, frames=frames, ignore=options["ignore"], unstable=unstable, step=step)
    except FramesNotComparable as error:
        raise WrongUse(f"--key: {error}") from None
    if not options["frames"]:
        shown = {
            name: changes
            for name, changes in result.frames.items()
            if name in {pair.step for pair in result.first}
        }
        result = replace(result, frames=shown)
    elif frames is not None:
        for name, reason in frames.missing.items():
            streams.write_message(one_line(f"the frames of {name!r} are not compared: {reason}"))
    if options["prove"]:
        from osiris_inspect.cli.replay.prove import prove

        result = replace(result, proof=prove(result, allow_writes=options["allow_writes"]))
    _write(_rendered(result, options), options["format"], options["output"])
    return FOUND if result.differs else 0


def _stored_frames(options: Mapping[str, Any]) -> "StoredFrames":
    from osiris_inspect.inspector.analysis.stored_frames import StoredFrames
    from osiris_inspect.inspector.tables.diff.frame_diff import FrameDiffOptions

    key = tuple(name.strip() for name in (options["key"] or "").split(",") if name.strip())
    tolerance = _tolerance(options["tolerance"])
    is_asked_for = options["frames"] or bool(key)
    frame_options = FrameDiffOptions(key, (), tolerance, options["rows"], finds_key=options["frames"])
    return StoredFrames(frame_options, is_asked_for=is_asked_for)


def _tolerance(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise WrongUse(f"--tolerance: {text!r} is not a number from 0, such as 1e-9")
    return value


def load_pair(run: Path, other: Path | None) -> "tuple[Run, Run]":
    """Return two runs; with one path, the last successful run of its pipeline and the run itself.

    Raises:
        RunNotReadable: there is no run, or no successful one before it.
    """
    from osiris_inspect.inspector.reader.counts.earlier_runs import last_successful_run
    from osiris_inspect.inspector.text.sanitize import one_line

    second = load_run(run)
    if other is not None:
        return second, load_run(other)
    path = last_successful_run(second)
    if path is None:
        raise RunNotReadable(
            f"no successful run of {one_line(second.pipeline or 'the pipeline')!r} before {one_line(second.id)} "
            "beside it; name the run to compare with: osiris-inspect diff A B"
        )
    return load_run(path), second


def load_run(path: Path) -> "Run":
    """Return a run, or the newest run of a folder.

    Raises:
        RunNotReadable: there is no run.
    """
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.inspector.reader.loader import load

    runs = find_runs(places.resolve_path(path), on_left_out=places.report_left_out)
    return load(runs[0], now=time.time(), cache=places.cache_dir())


def _rendered(result: "RunDiff", options: Mapping[str, Any]) -> str:
    if options["format"] == "json":
        import json

        from osiris_inspect.inspector.export.diff.json import document

        return json.dumps(document(result, show_values=options["show_values"]), indent=2) + "\n"
    if options["format"] == "markdown":
        from osiris_inspect.inspector.export.diff import markdown

        return "".join(f"{line}\n" for line in markdown.lines(result, show_values=options["show_values"]))
    from osiris_inspect.inspector.export.diff import text

    return "".join(f"{line}\n" for line in text.lines(result, terminal_width()))


def _write(document: str, format_: str, output: Path | None) -> None:
    if output is not None:
        try:
            output.write_text(document, encoding="utf-8")
        except OSError as error:
            raise unwritable(output, "--output", error) from error
    elif format_ == "json":
        streams.write_json(document)
    else:
        streams.write_stdout(document)
