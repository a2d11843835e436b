"""``replay``: runs one step of an earlier run again, on the inputs that it had."""

import os
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from osiris_inspect.cli.pipeline.execution.execute import run_access
from osiris_inspect.cli.pipeline.run_options import ConnectionsOption, EnvFile, Quiet, ReplayTarget
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.completion import complete_step
from osiris_inspect.cli.support.exit_codes import FOUND, INTERRUPTED, USAGE
from osiris_inspect.cli.support.paths import cache_dir, resolve_path
from osiris_inspect.cli.support.typer_adapter import RunPath
from osiris_inspect.model.errors import OsirisError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from osiris_inspect.runtime.replay.replay import Replay, ReplayHost, ReplayOptions, ReplayResult
    from osiris_inspect.runtime.replay.verdict import Verdict

DEFAULT_LOGS: Final = Path("logs")
"""Folder of the replays of untrusted runs."""
CANNOT_TEST: Final = 125
"""Exit code of ``--expect`` if there is no verdict; ``git bisect run`` skips the commit."""
_CHANGES: Final = "What is different"
_ANSWER: Final = "Answer"


class Expected(StrEnum):
    """Verdicts that ``--expect`` takes."""

    SAME = "same"
    SUCCESS = "success"
    OTHER = "other"


StepArgument = Annotated[
    str, typer.Argument(help="The step.", metavar="STEP", show_default=False, autocompletion=complete_step)
]
OnOption = Annotated[
    ReplayTarget | None,
    typer.Option("--on", help="Run there; default: where the step ran.", show_default=False),
]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="Set a key of the configuration; KEY=@FILE reads a file.",
        metavar="KEY=VALUE",
        rich_help_panel=_CHANGES,
    ),
]
EditOption = Annotated[
    bool,
    typer.Option(
        "--edit", help="Change the query or configuration in $EDITOR first.", rich_help_panel=_CHANGES
    ),
]
PdbOption = Annotated[
    bool,
    typer.Option(
        "--pdb", help="Debug the error where it happens, in this terminal.", rich_help_panel=_ANSWER
    ),
]
TimesOption = Annotated[
    int, typer.Option(min=1, max=1000, help="Run it N times.", metavar="N", rich_help_panel=_ANSWER)
]
InputsOption = Annotated[
    Path | None,
    typer.Option(
        help="Take the inputs from this run directory.",
        metavar="DIR",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
RecomputeOption = Annotated[
    bool, typer.Option("--recompute", help="Produce inputs that were not kept again, from their sources.")
]
CodeOption = Annotated[
    Path | None,
    typer.Option(
        help="Import modules from this folder, or a zip's own code, first.",
        metavar="PATH",
        exists=True,
        show_default=False,
        rich_help_panel=_CHANGES,
    ),
]
AllowWrites = Annotated[
    bool,
    typer.Option("--allow-writes", help="Run a step that reads from or writes to files or databases."),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(
        min=1, help="Limit the threads of DuckDB.", metavar="N", show_default=False, rich_help_panel=_CHANGES
    ),
]
LogsOption = Annotated[
    Path | None,
    typer.Option(
        help="Write the new run here; default: beside RUN, or logs for a zip.",
        metavar="DIR",
        file_okay=False,
        show_default=False,
    ),
]
ExpectOption = Annotated[
    Expected | None,
    typer.Option(
        help="Exit with 0 if so, 1 if not, 125 if it cannot be tested.",
        show_default=False,
        rich_help_panel=_ANSWER,
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay")(replay_command)


def replay_command(
    run: RunPath,
    step: StepArgument,
    *,
    on: OnOption = None,
    set_: SetOption = [],
    edit: EditOption = False,
    pdb: PdbOption = False,
    times: TimesOption = 1,
    inputs: InputsOption = None,
    recompute: RecomputeOption = False,
    with_code: CodeOption = None,
    allow_writes: AllowWrites = False,
    threads: ThreadsOption = None,
    logs: LogsOption = None,
    expect: ExpectOption = None,
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
    quiet: Quiet = False,
) -> None:
    """Run one step of an earlier run again, alone, on the very inputs that it had.

    RUN stays as it is: the inputs are checked against its log and copied into a new run directory. The last line is the
    verdict: same failure, same failure, other values, other failure, succeeded, or how the output compares. A step that
    reads from or writes to files or databases runs only with --allow-writes. A run in a zip runs isolated, without network,
    connections and files; code in it only with --with-code and the zip.

    Exit codes: 0 the step succeeded, 1 it failed, 2 refused, 3 no such run, or its inputs are not there. With --expect: 0 as expected,
    1 not so, 125 it cannot be tested, which `git bisect run` understands.
    """
    from osiris_inspect.cli.replay.foreign import code_folder, is_foreign
    from osiris_inspect.runtime.replay.replay import ReplayOptions

    options = ReplayOptions(
        target=on.value if on is not None else None,
        inputs=inputs,
        recompute=recompute,
        code=code_folder(with_code) if with_code is not None else None,
        allow_writes=allow_writes,
        logs=logs,
        connections=connections,
        env_file=env_file,
        on_error=_debugger(on, times) if pdb else None,
    )
    try:
        request = _Request(set_, threads, times, expect, quiet)
        command = _edit_and_replay if edit else _replay
        path = resolve_path(run)
        if is_foreign(path) and logs is None:
            options = replace(options, logs=DEFAULT_LOGS)
        code = command(path, step, options, request)
    except OsirisError as error:
        if expect is None:
            raise
        from osiris_inspect.inspector.archives.open_archives import show_archives

        streams.write_message(show_archives(f"cannot be tested: {error}"))
        code = CANNOT_TEST
    if code:
        raise typer.Exit(code)


class _Request(NamedTuple):
    """Options of the command beside those of a replay."""

    sets: list[str]
    threads: int | None
    times: int
    expect: Expected | None
    quiet: bool


def _edit_and_replay(path: Path, step: str, options: "ReplayOptions", request: _Request) -> int:
    """Edit the step and replay it, again as often as the user wants; then print the patch."""
    from osiris_inspect.cli.replay import edit
    from osiris_inspect.cli.replay.foreign import open_replay
    from osiris_inspect.runtime.replay.earlier.earlier_pipeline import pipeline_file

    options = replace(options, changes=_changes(path, step, request))
    replay = open_replay(path, step, options)
    edited = edit.edit_config(replay.config)
    while True:
        streams.write_stdout(edited.diff)
        code = _replay(path, step, replace(options, changes={**options.changes, **edited.changes}), request)
        if not edit.ask_again():
            break
        edited = edit.edit_config(replay.config, edited.after)
    if edited.diff:
        file = None if replay.is_foreign else pipeline_file(replay.earlier)
        streams.write_stderr(edit.pipeline_patch(file, step, edited))
    return code


def _replay(path: Path, step: str, options: "ReplayOptions", request: _Request) -> int:
    from osiris_inspect.cli.pipeline.execution.progress import Progress
    from osiris_inspect.cli.replay.foreign import open_replay

    options = replace(options, changes={**_changes(path, step, request), **options.changes})
    replay = open_replay(path, step, options)
    is_debugged = options.on_error is not None
    is_free = replay.target == "local" and not is_debugged and streams.free_stderr_descriptor()
    if not request.quiet:
        streams.write_stderr(_heading(replay))
    verdicts: list[Verdict] = []
    for number in range(1, request.times + 1):
        with Progress(streams.stderr(), quiet=request.quiet or is_debugged) as progress:
            result = replay.run(progress.on_event, redirect_stderr=is_free)
        if result.verdict is None:
            return _not_reached(result, request.expect)
        verdicts.append(result.verdict)
        _print_run(result, number, request)
    worst = max(verdicts, key=lambda verdict: (verdict.has_failed, verdict.rank))
    streams.write_stdout(f"{_summary(verdicts, worst)}\n")
    if request.expect is not None:
        return 0 if all(verdict.meets(request.expect.value) for verdict in verdicts) else FOUND
    return FOUND if worst.has_failed else 0


def _debugger(on: ReplayTarget | None, times: int) -> "Callable[[BaseException], None]":
    """Return the function that debugs an error.

    Raises:
        SettingsError: there is no terminal, or another option does not fit.
    """
    from osiris_inspect.cli.inspect.open import has_terminal
    from osiris_inspect.runtime.replay.debugger import debug_error

    if on not in (None, ReplayTarget.LOCAL) or times > 1:
        raise SettingsError("--pdb runs the step once in this process; leave out --on and --times")
    if not has_terminal():
        raise SettingsError("--pdb needs a terminal; without one, read the traceback with osiris-inspect why")
    return debug_error


def host_of_replay() -> "ReplayHost":
    """Return what this program provides to a replay."""
    from osiris_inspect.inspector.tables.diff.frame_diff import output_level
    from osiris_inspect.runtime.replay.replay import ReplayHost

    return ReplayHost(os.environ, private=(cache_dir(),), access=run_access(), compare_frames=output_level)


def _changes(path: Path, step: str, request: _Request) -> dict[str, Any]:
    """Return the values that ``--set`` and ``--threads`` set, by key."""
    if not request.sets and request.threads is None:
        return {}
    from osiris_inspect.runtime.replay.earlier.earlier_pipeline import component_of
    from osiris_inspect.runtime.replay.step_config import parse_change

    component = component_of(path, step)
    changes = {}
    for text in request.sets:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError("--set takes KEY=VALUE; one has no key or no =")
        changes[name] = parse_change(component, name, _file_or_text(value))
    if request.threads is not None:
        changes["threads"] = parse_change(component, "threads", str(request.threads))
    return changes


def _file_or_text(value: str) -> str:
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"--set: cannot read {value[1:]}: {error}") from None


def _heading(replay: "Replay") -> str:
    inputs = [
        f"{name} ({entry.rows:,} rows)" if entry.rows is not None else name
        for name, entry in replay.inputs.reused.items()
    ]
    inputs += [f"{name} (produced again)" for name in replay.inputs.recomputed]
    return f"replays {replay.step.id} of {replay.earlier.name}, inputs: {', '.join(inputs) or 'none'}\n"


def _print_run(result: "ReplayResult", number: int, request: _Request) -> None:
    """Print what changed, the run directory and, if the step runs several times, the verdict of this one."""
    for line in result.changed:
        streams.write_stdout(f"{line}\n")
    of = f"{number} of {request.times}: {result.verdict}  " if request.times > 1 else ""
    streams.write_stdout(f"{of}{_shown(result.run.path)}\n")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _summary(verdicts: "list[Verdict]", worst: "Verdict") -> str:
    if len(verdicts) == 1:
        return str(worst)
    failed = sum(verdict.has_failed for verdict in verdicts)
    if 0 < failed < len(verdicts):
        return f"fails {failed} of {len(verdicts)}: by chance"
    if len(set(verdicts)) > 1 and not failed:
        return f"succeeds {len(verdicts)} of {len(verdicts)}, other output by chance: {worst}"
    return f"{'fails' if failed else 'succeeds'} {len(verdicts)} of {len(verdicts)}: {worst}"


def _not_reached(result: "ReplayResult", expect: Expected | None) -> int:
    """Print why the step did not run, and return the exit code."""
    streams.write_message(f"the step was not reached: {result.error}; see {_shown(result.run.path)}")
    if result.run.status == "interrupted":
        return INTERRUPTED
    return CANNOT_TEST if expect is not None else USAGE
