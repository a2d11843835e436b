"""``compile`` and ``run``: from a pipeline file to a run directory."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.exits import FOUND, INTERRUPTED
from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.compile import Compiled
    from osiris_inspect.runtime.proxy import Outcome
    from osiris_inspect.runtime.transport import Transport


class Where(StrEnum):
    """Where a pipeline can run."""

    LOCAL = "local"
    SANDBOX = "sandbox"


Pipeline = Annotated[
    Path, typer.Argument(help="The pipeline file.", metavar="PIPELINE.yaml", show_default=False)
]
Params = Annotated[
    list[str],
    typer.Option("--param", "-p", help="A parameter as name=value; again for more.", metavar="NAME=VALUE"),
]
Logs = Annotated[Path, typer.Option(help="The folder of runs.", file_okay=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compile")(compile_command)
    app.command("run")(run_command)


def compile_command(pipeline: Pipeline, *, logs: Logs = Path("logs"), param: Params = []) -> None:
    """Check a pipeline and write its manifest to LOGS/compile_<ms>/compiled.

    Every mistake is named with its line, all at once; then nothing is written and the exit code is 1.
    """
    from osiris_inspect.runtime import run_directory

    compiled = _compiled(pipeline, param)
    folder = run_directory.create_compiled(_writable(logs), int(time.time() * 1000), compiled)
    typer.echo(folder)


def run_command(
    pipeline: Pipeline,
    *,
    on: Annotated[
        Where, typer.Option(help="local: in this process. sandbox: a worker process of its own, over stdio.")
    ] = Where.LOCAL,
    logs: Logs = Path("logs"),
    base: Annotated[
        Path,
        typer.Option(
            help="The folder that relative paths in the pipeline start from.", exists=True, file_okay=False
        ),
    ] = Path(),
    param: Params = [],
    force_spill: Annotated[
        bool | None,
        typer.Option(
            "--force-spill/--no-force-spill",
            help="Put every frame on disk (E2B_FORCE_SPILL).",
            show_default=False,
        ),
    ] = None,
    spill_threshold: Annotated[
        str | None,
        typer.Option(help="Rows above which a frame goes to disk (E2B_SPILL_THRESHOLD).", metavar="ROWS"),
    ] = None,
    step_timeout: Annotated[
        str | None, typer.Option(help="Seconds a step may take (E2B_STEP_TIMEOUT).", metavar="SECONDS")
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="End the run at the first failed step.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Run a pipeline; prints its run directory. Exit code 0: every step succeeded; 1: a step failed.

    What depends on a failed step is skipped; branches that do not depend on it go on.
    """
    flags = {
        "force_spill": None if force_spill is None else str(int(force_spill)),
        "spill_threshold": spill_threshold,
        "step_timeout_s": step_timeout,
    }
    how = How(flags, fail_fast=fail_fast, quiet=quiet)
    outcome = execute(_compiled(pipeline, param), on, _writable(logs), base, how)
    typer.echo(outcome.path)
    if outcome.status == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if outcome.status != "success":
        sys.stderr.write(f"osiris-inspect: {outcome.reason}; osiris-inspect {outcome.path} shows why\n")
        raise typer.Exit(FOUND)


@dataclass(frozen=True, slots=True)
class How:
    """What the flags of a command say of a run."""

    flags: Mapping[str, str | None] = field(default_factory=dict)
    fail_fast: bool = False
    quiet: bool = False


def execute(compiled: "Compiled", on: Where, logs: Path, base: Path, how: How | None = None) -> "Outcome":
    """Run a compiled pipeline there, with progress on stderr."""
    from osiris_inspect.cli.progress import Progress
    from osiris_inspect.runtime import settings
    from osiris_inspect.runtime.proxy import Order, run

    how = how or How()
    told = settings.read(os.environ, how.flags)
    progress = Progress(sys.stderr, quiet=how.quiet)
    variables = tuple(sorted(os.environ))
    order = Order(compiled, told, logs, base.resolve(), time.time, variables, how.fail_fast, progress.see)
    return run(order, _transport(on))


def _transport(on: Where) -> "Transport":
    if on is Where.LOCAL:
        from osiris_inspect.runtime.transport.in_process import InProcess

        return InProcess(os.environ, time.time)
    from osiris_inspect.runtime.transport.stdio import Stdio

    return Stdio(os.environ)


def _compiled(pipeline: Path, params: list[str]) -> "Compiled":
    from osiris_inspect.runtime import components
    from osiris_inspect.runtime.compile import compile_pipeline

    try:
        text = pipeline.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"cannot read the pipeline {pipeline}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"cannot read the pipeline {pipeline}: not UTF-8 at byte {error.start}") from None
    return compile_pipeline(text, str(pipeline), components.known(), _given(params))


def _given(params: list[str]) -> dict[str, str]:
    given = {}
    for text in params:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError(f"--param takes NAME=VALUE, not {text!r}")
        given[name] = value
    return given


def _writable(logs: Path) -> Path:
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot write to the logs folder {logs}: {error.strerror}") from None
    return logs.resolve() if not logs.is_absolute() and ".." in logs.parts else logs
