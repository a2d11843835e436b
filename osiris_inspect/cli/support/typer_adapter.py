"""Typer commands made from option tables, for help, completion and usage errors."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Final, Literal

import typer

from osiris_inspect.cli.support.completion import complete_run, complete_step
from osiris_inspect.cli.support.option_table import RUN, CommandSpec, OptionSpec
from osiris_inspect.cli.support.paths import ALLOW_REDIRECT, MAX_BYTES
from osiris_inspect.cli.support.user_config import with_user_defaults
from osiris_inspect.model.errors import SettingsError

RunPath = Annotated[Path, typer.Argument(help=RUN.help, metavar=RUN.metavar, autocompletion=complete_run)]
MaxBytes = Annotated[
    str | None,
    typer.Option(
        *MAX_BYTES.names, help=MAX_BYTES.help, metavar=MAX_BYTES.metavar, rich_help_panel=MAX_BYTES.panel
    ),
]
AllowRedirect = Annotated[
    list[str] | None,
    typer.Option(
        *ALLOW_REDIRECT.names,
        help=ALLOW_REDIRECT.help,
        metavar=ALLOW_REDIRECT.metavar,
        rich_help_panel=ALLOW_REDIRECT.panel,
    ),
]
_COMPLETERS: Final[dict[str, Callable[..., Any]]] = {
    "RUN": complete_run,
    "PATH": complete_run,
    "STEP": complete_step,
    "A": complete_run,
    "B": complete_run,
    "STEP[.INPUT]": complete_step,
}
"""Completion of positional arguments, by their metavar."""
_TYPES: Final = {"flag": bool, "text": str, "number": int, "path": Path}


def add_to_typer(app: typer.Typer, command: CommandSpec) -> None:
    """Add a command to the application, with the user's defaults."""
    invalid: SettingsError | None = None
    try:
        command = with_user_defaults(command)
    except SettingsError as error:  # reported when this command runs, not for another one or for help
        invalid = error

    def run(**values: Any) -> None:
        if invalid is not None:
            raise invalid
        raise typer.Exit(command.run(values))

    parameters = list(_parameters(command))
    # typer reads the signature of the function
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
    settings: dict[str, Any] = {"help": option.help, "metavar": option.metavar}
    if option.kind == "number":
        settings["min"] = 0
    if not option.names:
        completer = _COMPLETERS.get(option.metavar or "")
        return typer.Argument(show_default=False, autocompletion=completer, **settings)
    return typer.Option(*option.names, rich_help_panel=option.panel or None, **settings)
