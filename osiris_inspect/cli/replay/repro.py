"""``repro``: a failed step in a zip that anyone can open and replay."""

import os
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

_UNMASKED: Final = "-unmasked"
_CONTENT: Final = "What is in it"


class Masking(StrEnum):
    """Values of ``--mask``."""

    AUTO = "auto"
    NONE = "none"


StepOption = Annotated[
    str | None,
    typer.Argument(
        help="The failed step; default: the only one.",
        metavar="[STEP]",
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
    mask: MaskOption = Masking.AUTO,
    keep: KeepOption = [],
    with_log: WithLog = False,
    with_code: WithCode = False,
    dry_run: DryRun = False,
) -> None:
    """Write a failed step into a zip that anyone can open and replay.

    The zip holds the run directory of a replay with a cleaned log, not a part of RUN. It is searched for secrets, names of users and machines,
    and values before it is written. Every command opens it, and replay runs it isolated.

    Exit codes: 0 written, 2 refused, such as a value that would be in it, 3 no such run, or its inputs are not there.
    """
    from osiris_inspect.runtime.replay.replay import ReplayHost
    from osiris_inspect.runtime.replay.repro.make_bundle import BundleOptions, make_bundle

    options = BundleOptions(mask is Masking.AUTO, frozenset(keep), with_log, with_code)
    host = ReplayHost(os.environ, private=(cache_dir(),))
    bundle = make_bundle(resolve_path(run), step, options, host, _print_progress)
    if dry_run:
        _print_document(bundle.document)
        return
    path = _target(output, str(bundle.document["from"]["step"]), is_masked=options.is_masked)
    _write(bundle.files, path)


def _print_progress(text: str) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line

    streams.write_stderr(f"{one_line(text)}\n")


def _print_document(document: "Mapping[str, Any]") -> None:
    import json

    streams.write_json(json.dumps(document, indent=2) + "\n")


def _target(output: Path | None, step: str, *, is_masked: bool) -> Path:
    """Return the path of the zip; the name of one that is not masked says so.

    Raises:
        WrongUse: the name does not end in ``.zip``.
    """
    path = output if output is not None else Path(f"{step}-repro.zip")
    if path.suffix.lower() != ".zip":
        raise WrongUse(f"--output: {path} does not end in .zip")
    if is_masked or path.stem.endswith(_UNMASKED):
        return path
    return path.with_name(f"{path.stem}{_UNMASKED}{path.suffix}")


def _write(files: "Mapping[str, bytes]", path: Path) -> None:
    from osiris_inspect.cli.inspect.report_output import unwritable
    from osiris_inspect.runtime.replay.repro.write_zip import write_zip

    try:
        size = write_zip(files, path)
    except OSError as error:
        raise unwritable(path, "--output", error) from error
    streams.write_stderr(f"{size:,} bytes, {len(files)} files\n")
    streams.write_stdout(f"{path}\n")
