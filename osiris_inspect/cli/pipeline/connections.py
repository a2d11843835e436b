"""``connections``: list and test connections."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.pipeline.run_options import BaseDirOption, ConnectionsOption, EnvFile
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.completion import complete_connection
from osiris_inspect.cli.support.exit_codes import FOUND, USAGE
from osiris_inspect.model.errors import OsirisError, PipelineError, SettingsError
from osiris_inspect.model.redaction import Redactor, mask_by_pattern

if TYPE_CHECKING:
    from osiris_inspect.model.errors import Problem
    from osiris_inspect.runtime.connections.connections import ConnectionsFile


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="List and test connections.", no_args_is_help=True)
    family.command("list")(list_command)
    family.command("test")(check_command)
    app.add_typer(family, name="connections")


def list_command(
    pipelines: Annotated[
        list[Path],
        typer.Argument(help="Pipelines; default: the working directory.", metavar="PIPELINE"),
    ] = [],
    *,
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
    base: BaseDirOption = None,
) -> None:
    """List the connections of pipelines, or all, with their values and variables.

    Secrets are masked. The connections file is in the folder of the pipeline, or in --base DIR; without a pipeline in the working directory. Exit code 1: a connection has an unknown key, or lacks one; stderr names each.
    """
    from osiris_inspect.base.near_names import Suggestions
    from osiris_inspect.runtime.pipeline.builtin_components import all_components

    suggestions = Suggestions()
    components = all_components().values()
    problems: list[Problem] = []
    for file, family, alias in _chosen([], pipelines, connections, env_file, base):
        mark = " (default)" if file.default_of(family) == alias else ""
        streams.write_stdout(f"@{family}.{alias}{mark}\n")
        for key, value in file.masked(family, alias).items():
            streams.write_stdout(f"  {key}: {value}\n")
        problems += file.key_problems(family, alias, components, suggestions)
    if problems:
        raise PipelineError(problems)


def check_command(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Connections as @family.alias, or pipelines; default: all.",
            metavar="NAME",
            autocompletion=complete_connection,
        ),
    ] = [],
    *,
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
    base: BaseDirOption = None,
) -> None:
    """Connect to each, or to those of a pipeline, and print the answer.

    The connections file is found as by `connections list`. Exit code 1: a connection failed; stderr has the reason.
    """
    pipelines = [Path(name) for name in names if not name.startswith("@") and Path(name).is_file()]
    others = [name for name in names if Path(name) not in pipelines]
    works = [_test(*chosen) for chosen in _chosen(others, pipelines, connections, env_file, base)]
    if not all(works):
        raise typer.Exit(FOUND)


def _chosen(
    names: Sequence[str],
    pipelines: Sequence[Path],
    named: Path | None,
    env_file: Path | None,
    base: Path | None,
) -> "list[tuple[ConnectionsFile, str, str]]":
    """Return the connections of these names and pipelines, or all of the working directory, each with its file."""
    from osiris_inspect.cli.pipeline.starter_files import read_found_pipeline
    from osiris_inspect.runtime.pipeline.compiler import pipeline_folder

    first = () if base is None else (base,)
    chosen: dict[tuple[str, str, str], ConnectionsFile] = {}
    for pipeline in pipelines:
        found = read_found_pipeline(pipeline)
        if found is None:
            raise SettingsError(f"{pipeline} is not a pipeline: it has no oml_version or no steps")
        if not found.connections:
            streams.write_message(f"{pipeline} uses no connection")
            continue
        file = _open(named, env_file, (*first, pipeline_folder(pipeline)))
        for family, alias in found.connections:
            chosen[str(file.file), family, _alias(file, family, alias)] = file
    if names or not pipelines:
        file = _open(named, env_file, (*first, Path()))
        pairs = [_pair(name, file) for name in names] or list(file.names())
        chosen |= {(str(file.file), family, alias): file for family, alias in pairs}
    return [(file, family, alias) for (_, family, alias), file in chosen.items()]


def _open(named: Path | None, env_file: Path | None, folders: Sequence[Path]) -> "ConnectionsFile":
    from osiris_inspect.runtime.connections.connections import FILE, open_connections
    from osiris_inspect.runtime.connections.families import example_lines

    file = open_connections(folders, os.environ, named, env_file)
    if not any(file.names()):
        elsewhere = next(iter(sorted(Path().glob(f"*/{FILE}"))), None)
        if not file.exists and elsewhere is not None:
            raise SettingsError(
                f"there is no {file.file}, but {elsewhere} exists; name a pipeline of its folder, or --connections {elsewhere}"
            )
        state = f"{file.file} has no connections" if file.exists else f"there is no {file.file}"
        streams.write_message(f"{state}; osiris-inspect init connections writes one, such as")
        streams.write_stderr("".join(f"{line}\n" for line in example_lines()))
        raise typer.Exit(USAGE)
    return file


def _pair(name: str, file: "ConnectionsFile") -> tuple[str, str]:
    family, _, alias = name.removeprefix("@").partition(".")
    return family, _alias(file, family, alias)


def _alias(file: "ConnectionsFile", family: str, alias: str) -> str:
    try:
        return file.alias_of(family, alias or None)
    except LookupError as error:
        raise SettingsError(str(error.args[0])) from None


def _test(file: "ConnectionsFile", family: str, alias: str) -> bool:
    from osiris_inspect.base.near_names import Suggestions
    from osiris_inspect.runtime.connections.connections import public_keys
    from osiris_inspect.runtime.drivers.connection_test import test_connection
    from osiris_inspect.runtime.pipeline.builtin_components import all_components
    from osiris_inspect.runtime.proxy.secret_names import is_program_word

    masked = Redactor()
    try:
        problems = file.key_problems(family, alias, all_components().values(), Suggestions())
        if problems:
            raise PipelineError(problems)
        public = public_keys(family, all_components().values())
        values, secrets = file.resolve(family, alias, public)
        masked = Redactor(secrets, filter(is_program_word, secrets))
        answer = test_connection(family, values)
    except OsirisError as error:
        for line in mask_by_pattern(masked.redact_text(str(error))).splitlines():
            streams.write_stderr(f"@{family}.{alias} failed: {line}\n")
        return False
    streams.write_stdout(f"@{family}.{alias} works: {masked.redact_text(answer)}\n")
    return True
