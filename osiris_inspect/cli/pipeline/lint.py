"""``lint``: what is wrong with pipeline files, before they run."""

import os
from pathlib import Path
from typing import Annotated

import typer

from osiris_inspect.cli.pipeline.run import parse_params, read_pipeline
from osiris_inspect.cli.pipeline.run_options import Params, Profile
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
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
) -> None:
    """Check pipelines and write nothing but what is found, a line each as FILE:LINE:COLUMN.

    Finds all that compile finds, tables in SQL that no input has, needs that nothing reads. Exit code 1: an error.
    """
    from osiris_inspect.runtime.pipeline import builtin_components as built_in
    from osiris_inspect.runtime.pipeline.lint import lint
    from osiris_inspect.runtime.pipeline.parameters import CompileInputs

    given = CompileInputs(parse_params(param), os.environ, profile)
    counted = False
    for pipeline in pipelines:
        for remark in lint(read_pipeline(pipeline), str(pipeline), built_in.all_components(), given):
            streams.write_stdout(f"{remark}\n")
            counted = counted or strict or remark.severity == "error"
    if counted:
        raise typer.Exit(FOUND)
