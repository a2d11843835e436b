"""``connections``: what pipelines connect with, and whether it works."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osiris_inspect.cli.pipeline.run import load_connections_file
from osiris_inspect.cli.pipeline.run_options import ConnectionsOption, EnvFile
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND
from osiris_inspect.model.errors import OsirisError, SettingsError
from osiris_inspect.model.redaction import Redactor

if TYPE_CHECKING:
    from osiris_inspect.runtime.connections.connections import ConnectionsFile


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="What pipelines connect with, and whether it works.", no_args_is_help=True)
    family.command("list")(list_command)
    family.command("test")(try_command)
    app.add_typer(family, name="connections")


def list_command(*, connections: ConnectionsOption = None, env_file: EnvFile = None) -> None:
    """Name every connection with its values, secrets masked, and the variables they come from."""
    book = load_connections_file((Path(),), connections, env_file)
    for family, alias in book.names():
        mark = " (default)" if book.default_of(family) == alias else ""
        streams.write_stdout(f"@{family}.{alias}{mark}\n")
        for key, value in book.masked(family, alias).items():
            streams.write_stdout(f"  {key}: {value}\n")


def try_command(
    names: Annotated[
        list[str],
        typer.Argument(help="As @family.alias; all of them where none is named.", metavar="[NAME]..."),
    ] = [],
    *,
    connections: ConnectionsOption = None,
    env_file: EnvFile = None,
) -> None:
    """Connect with each and say what answered. Exit code 1: one of them failed; stderr says why."""
    book = load_connections_file((Path(),), connections, env_file)
    wanted = [_pair(name, book) for name in names] or list(book.names())
    if not wanted:
        raise SettingsError(f"there is no connection to test in {book.file}")
    works = [_test(book, family, alias) for family, alias in wanted]
    if not all(works):
        raise typer.Exit(FOUND)


def _pair(name: str, book: "ConnectionsFile") -> tuple[str, str]:
    family, _, alias = name.removeprefix("@").partition(".")
    try:
        return family, book.alias_of(family, alias or None)
    except LookupError as error:
        raise SettingsError(str(error.args[0])) from None


def _test(book: "ConnectionsFile", family: str, alias: str) -> bool:
    from osiris_inspect.runtime.drivers import connection_test as probes

    masked = Redactor()
    try:
        values, secrets = book.resolve_connections(family, alias)
        masked = Redactor(secrets)
        answer = probes.test_connection(family, values)
    except OsirisError as error:
        streams.write_stderr(f"@{family}.{alias} failed: {masked.redact_text(str(error))}\n")
        return False
    streams.write_stdout(f"@{family}.{alias} works: {masked.redact_text(answer)}\n")
    return True
