"""``connections``: list and test connections."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.pipeline.run_options import ConnectionsOption, EnvFile
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


def list_command(*, connections: ConnectionsOption = None, env_file: EnvFile = None) -> None:
    """List every connection with its values (secrets masked) and their variables.

    Exit code 1: a connection has an unknown key, or lacks one; stderr names each.
    """
    from osiris_inspect.base.near_names import Suggestions
    from osiris_inspect.runtime.pipeline.builtin_components import all_components

    file = _open(connections, env_file)
    suggestions = Suggestions()
    components = all_components().values()
    problems: list[Problem] = []
    for family, alias in file.names():
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
            help="Connections as @family.alias; default: all.",
            metavar="[NAME]...",
            autocompletion=complete_connection,
        ),
    ] = [],
    *,
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
) -> None:
    """Connect to each and print the answer.

    Exit code 1: a connection failed; stderr has the reason.
    """
    file = _open(connections, env_file)
    pairs = [_pair(name, file) for name in names] or list(file.names())
    works = [_test(file, family, alias) for family, alias in pairs]
    if not all(works):
        raise typer.Exit(FOUND)


def _open(named: Path | None, env_file: Path | None) -> "ConnectionsFile":
    from osiris_inspect.runtime.connections.connections import open_connections
    from osiris_inspect.runtime.connections.families import example_lines

    file = open_connections((Path(),), os.environ, named, env_file)
    if not any(file.names()):
        state = f"{file.file} has no connections" if file.exists else f"there is no {file.file}"
        streams.write_message(f"{state}; osiris-inspect init connections writes one, such as")
        streams.write_stderr("".join(f"{line}\n" for line in example_lines()))
        raise typer.Exit(USAGE)
    return file


def _pair(name: str, file: "ConnectionsFile") -> tuple[str, str]:
    family, _, alias = name.removeprefix("@").partition(".")
    try:
        return family, file.alias_of(family, alias or None)
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
