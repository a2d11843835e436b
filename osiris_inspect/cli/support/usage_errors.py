"""Usage errors of typer as one line with the nearest name."""

import re
from collections.abc import Iterator
from typing import Any, Final

from osiris_inspect.base.near_names import near_names
from osiris_inspect.cli.support.exit_codes import WrongUse

_PROGRAM: Final = "osiris-inspect"
_NOT_INTEGER: Final = re.compile(r"Input should be a valid integer(, unable to parse string as an integer)?")
"""Words of the library that checks values."""
_NOT_A_CHOICE: Final = re.compile(r"'([^']*)' is not one of (.*)\Z")
_DID_YOU_MEAN: Final = re.compile(r"\. Did you mean (.*)\?\Z")


def to_wrong_use(error: Any) -> WrongUse:
    """Return an error of typer as an error of this program."""
    ctx = error.ctx
    path = _command_path(ctx)
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption":
        return WrongUse(_unknown_option(str(option), ctx, path))
    message = str(error.format_message()).rstrip(".").replace("Value error, ", "")
    message = _NOT_INTEGER.sub("not a whole number", message)
    message = message[:1].lower() + message[1:]
    suggested = _DID_YOU_MEAN.search(message)
    if suggested is not None:
        return WrongUse(f"{message[: suggested.start()]}; did you mean {suggested[1].replace(', ', ' or ')}?")
    choice = _NOT_A_CHOICE.search(message)
    near = near_names(choice[1], re.findall(r"'([^']*)'", choice[2])) if choice is not None else []
    return WrongUse(f"{message}; did you mean {near[0]!r}?" if near else f"{message}; see {path} --help")


def _command_path(ctx: Any) -> str:
    """Return the words of the command; ``open`` may not have been typed and is left out."""
    names: list[str] = []
    while ctx is not None and ctx.parent is not None:
        names.insert(0, ctx.info_name)
        ctx = ctx.parent
    return " ".join([_PROGRAM, *(name for name in names if name != "open")])


def _unknown_option(option: str, ctx: Any, path: str) -> str:
    known = set(_option_names(ctx.command, ctx)) if ctx is not None else set()
    root = ctx.find_root() if ctx is not None else None
    if root is not None and path == _PROGRAM:
        known |= set(_option_names(root.command, root))
        others = [
            name for name, command in root.command.commands.items() if option in _option_names(command, root)
        ]
        if others and option not in known:
            commands = ", ".join(f"{_PROGRAM} {name}" for name in others)
            return f"no such option {option!r} of {_PROGRAM} without a command; it is an option of {commands}"
    near = near_names(option, known, similarity=0.7)
    if near:
        return f"no such option {option!r}; did you mean {near[0]!r}?"
    return f"no such option {option!r}; see {path} --help"


def _option_names(command: Any, ctx: Any) -> Iterator[str]:
    """Yield the options of a command, also ``--no-…``."""
    for parameter in command.get_params(ctx):
        yield from (name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("-"))
