"""A command as typer knows it, made from its table: for help, completion, and what is wrong with the words given."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Final, Literal

import typer

from osiris_inspect.cli.support.option_table import RUN, CommandSpec, OptionSpec
from osiris_inspect.cli.support.user_config import with_user_defaults
from osiris_inspect.model.errors import SettingsError

RunPath = Annotated[Path, typer.Argument(help=RUN.help, metavar=RUN.metavar)]
_TYPES: Final = {"flag": bool, "text": str, "number": int, "path": Path}


def add_to_typer(app: typer.Typer, command: CommandSpec) -> None:
    """Add a command to the application, with the defaults that are set for it."""
    wrong: SettingsError | None = None
    try:
        command = with_user_defaults(command)
    except SettingsError as error:  # said when the command is asked for, not when another is, or help
        wrong = error

    def run(**given: Any) -> None:
        if wrong is not None:
            raise wrong
        raise typer.Exit(command.run(given))

    parameters = [*_parameters(command)]
    # a command line reads the signature of its function; here it is known from the table only
    vars(run)["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = command.help
    app.command(command.name)(run)


def _parameters(command: CommandSpec) -> Iterator[inspect.Parameter]:
    for option in command.options:
        yield inspect.Parameter(
            option.key,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if option.required else option.default,
            annotation=Annotated[_type(option), _typer_info(option)],
        )


def _type(option: OptionSpec) -> Any:
    one: Any = Literal[option.choices] if option.kind == "choice" else _TYPES[option.kind]
    if option.multiple:
        return GenericAlias(list, one)
    return one if option.required or option.default is not None else one | None


def _typer_info(option: OptionSpec) -> Any:
    told: dict[str, Any] = {"help": option.help, "metavar": option.metavar}
    if option.kind == "number":
        told["min"] = 0
    if not option.names:
        return typer.Argument(show_default=False, **told)
    return typer.Option(*option.names, rich_help_panel=option.panel or None, **told)
