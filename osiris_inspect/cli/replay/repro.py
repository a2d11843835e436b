"""``repro``: a failed step in a zip that anyone can open and replay."""

import os
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.completion import complete_step
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.paths import cache_dir, resolve_path
from osiris_inspect.cli.support.typer_adapter import RunPath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osiris_inspect.runtime.replay.shrink.shrink import What

_UNMASKED: Final = "-unmasked"
_DURATION: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|)")
_CONTENT: Final = "What is in it"


class Masking(StrEnum):
    """Values of ``--mask``."""

    AUTO = "auto"
    NONE = "none"


StepOption = Annotated[
    str | None,
    typer.Argument(
        help="The failed step; default: the only one.",
        metavar="STEP",
        show_default=False,
        autocompletion=complete_step,
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Write the zip here; default: STEP-repro.zip.",
        metavar="FILE",
        show_default=False,
    ),
]
ShrinkOption = Annotated[
    str,
    typer.Option(
        help="Reduce the inputs: rows,columns,cells, some of them, or none.",
        metavar="WHAT",
        rich_help_panel=_CONTENT,
    ),
]
BudgetOption = Annotated[
    str,
    typer.Option(
        help="Time after which the inputs stay as small as they are.",
        metavar="SECONDS",
        rich_help_panel=_CONTENT,
    ),
]
RunsOption = Annotated[
    int,
    typer.Option(
        min=1, help="Run the step at most N times to reduce them.", metavar="N", rich_help_panel=_CONTENT
    ),
]
MaskOption = Annotated[
    Masking,
    typer.Option("--mask", help="Replace values where the failure stays.", rich_help_panel=_CONTENT),
]
KeepOption = Annotated[
    list[str],
    typer.Option(
        "--keep",
        help="Let the values of a column be seen: name, or input.name.",
        metavar="COLUMN",
        rich_help_panel=_CONTENT,
    ),
]
WithLog = Annotated[
    bool,
    typer.Option(
        "--with-log",
        help="Add the old log, masked by patterns; values may remain.",
        rich_help_panel=_CONTENT,
    ),
]
WithCode = Annotated[
    bool,
    typer.Option("--with-code", help="Add the code of the driver's package.", rich_help_panel=_CONTENT),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print repro.json, and write nothing.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("repro")(repro_command)


def repro_command(
    run: RunPath,
    step: StepOption = None,
    *,
    output: OutputOption = None,
    shrink: ShrinkOption = "rows,columns,cells",
    budget: BudgetOption = "60s",
    max_runs: RunsOption = 2000,
    mask: MaskOption = Masking.AUTO,
    keep: KeepOption = [],
    with_log: WithLog = False,
    with_code: WithCode = False,
    dry_run: DryRun = False,
) -> None:
    """Write a failed step into a zip that anyone can open and replay.

    Its inputs are reduced to the smallest frames with which the step fails in the same way, and their values are masked.
    The zip holds the run directory of a replay with a cleaned log, not a part of RUN. It is searched for secrets, names of users and machines,
    and values before it is written. Every command opens it, and replay runs it isolated.

    Exit codes: 0 written, 2 refused, such as a value that would be in it, 3 no such run, or its inputs are not there.
    """
    from osiris_inspect.cli.replay.foreign import check_own
    from osiris_inspect.runtime.replay.replay import ReplayHost
    from osiris_inspect.runtime.replay.repro.make_bundle import BundleOptions, make_bundle
    from osiris_inspect.runtime.replay.repro.reduce_inputs import ReduceOptions

    is_masked = mask is Masking.AUTO
    reduce = ReduceOptions(_parse_shrink(shrink), _parse_seconds(budget), max_runs, is_masked)
    options = BundleOptions(reduce, frozenset(keep), with_log, with_code)
    host = ReplayHost(os.environ, private=(cache_dir(),))
    path = resolve_path(run)
    check_own(path, "repro")
    target = None if dry_run else _target(output, is_masked=is_masked)
    bundle = make_bundle(path, step, options, host, _print_progress)
    if dry_run:
        _print_document(bundle.document)
        return
    default = f"{bundle.document['from']['step']}-repro{'' if is_masked else _UNMASKED}.zip"
    _write(bundle.files, target or Path(default))


def _parse_shrink(text: str) -> "tuple[What, ...]":
    """Return what is reduced.

    Raises:
        WrongUse: a word is unknown.
    """
    from osiris_inspect.runtime.replay.shrink.shrink import ALL

    words = [word.strip() for word in text.split(",")]
    if words == ["none"]:
        return ()
    if unknown := [word for word in words if word not in ALL]:
        raise WrongUse(f"--shrink: {unknown[0]!r} is none of {', '.join(ALL)} or none")
    return tuple(each for each in ALL if each in words)


def _parse_seconds(text: str) -> float:
    """Return the seconds of a budget, such as ``60s`` or ``2m``.

    Raises:
        WrongUse: it is not a duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise WrongUse(f"--budget: {text!r} is not a duration, such as 60s or 2m")
    return float(match[1]) * (60 if match[2] == "m" else 1)


def _print_progress(text: str) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line

    streams.write_stderr(f"{one_line(text)}\n")


def _print_document(document: "Mapping[str, Any]") -> None:
    import json

    streams.write_json(json.dumps(document, indent=2) + "\n")


def _target(output: Path | None, *, is_masked: bool) -> Path | None:
    """Return the path of the zip, None for the default one; the name of one that is not masked says so.

    Raises:
        WrongUse: the name does not end in ``.zip``, or its folder does not exist.
    """
    if output is None:
        return None
    if output.suffix.lower() != ".zip":
        raise WrongUse(f"--output: {output} does not end in .zip")
    if not output.parent.is_dir():
        raise WrongUse(f"--output: the folder {output.parent} does not exist")
    if is_masked or output.stem.endswith(_UNMASKED):
        return output
    return output.with_name(f"{output.stem}{_UNMASKED}{output.suffix}")


def _write(files: "Mapping[str, bytes]", path: Path) -> None:
    from osiris_inspect.cli.inspect.report_output import unwritable
    from osiris_inspect.runtime.replay.repro.write_zip import write_zip

    try:
        size = write_zip(files, path)
    except OSError as error:
        raise unwritable(path, "--output", error) from error
    streams.write_stderr(f"{size:,} bytes, {len(files)} files\n")
    streams.write_stdout(f"{path}\n")
