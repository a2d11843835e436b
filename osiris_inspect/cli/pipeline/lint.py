"""``lint``: checks pipeline files."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from osiris_inspect.cli.pipeline.execution.pipeline_source import parse_params, read_pipeline
from osiris_inspect.cli.pipeline.run_options import ConnectionsOption, Params, Profile, RunTarget
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint")(lint_command)


def lint_command(
    pipelines: Annotated[
        list[Path], typer.Argument(help="Pipeline files.", metavar="PIPELINE...", show_default=False)
    ],
    *,
    param: Params = [],
    profile: Profile = None,
    connections: ConnectionsOption = None,
    on: Annotated[
        RunTarget | None, typer.Option("--on", help="Also report what a run on this target refuses.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Treat warnings as errors.")] = False,
) -> None:
    """Check pipelines without running them.

    Prints one problem per line as FILE:LINE:COLUMN. Finds everything `compile` finds, plus SQL tables that are not inputs,
    unused or omitted `needs`, and wrong keys of connections. Shows 20 a file, errors first. Exit code 1: there is an error.
    """
    from osiris_inspect.model.errors import MAX_PROBLEMS
    from osiris_inspect.runtime.connections.connection_lint import lint_connections
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.pipeline.compiler import pipeline_folder
    from osiris_inspect.runtime.pipeline.lint import lint
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    inputs = CompileInputs(parse_params(param), os.environ, profile)
    failed = False
    for pipeline in pipelines:
        check = partial(
            lint_connections,
            components=all_components(),
            folders=(pipeline_folder(pipeline),),
            named=connections,
        )
        messages = lint(read_pipeline(pipeline), str(pipeline), all_components(), inputs, check, on)
        errors_first = sorted(range(len(messages)), key=lambda index: messages[index].severity != "error")
        for index in sorted(errors_first[:MAX_PROBLEMS]):
            streams.write_stdout(f"{messages[index]}\n")
        if len(messages) > MAX_PROBLEMS:
            streams.write_stdout(f"{pipeline}: and {len(messages) - MAX_PROBLEMS:,} more\n")
        failed = failed or any(strict or message.severity == "error" for message in messages)
    if failed:
        raise typer.Exit(FOUND)
