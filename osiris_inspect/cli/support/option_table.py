"""Options of a command as a table, and a fast parser for them.

``typer_adapter`` makes the signature of a command from the same table. Loading typer takes three times as long as reading
a run, so the fast parser comes first. It returns None for everything it does not surely understand; typer then parses the
words, prints help, completes and reports errors.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

OptionKind = Literal["flag", "text", "number", "path", "choice"]
COMPLETION: Final = "_OSIRIS_INSPECT_COMPLETE"
"""Environment variable with which a shell asks for completions."""


class OptionSpec(NamedTuple):
    """An option, or without ``names`` a positional argument.

    Attributes:
        key: name of the value for the command.
        names: ``--format``, ``-f``.
        kind: a number is an integer from 0.
        choices: values of a choice.
        multiple: True if it can be repeated; its value is then a list.
        panel: heading in the help; empty for the default one.
    """

    key: str
    help: str
    names: tuple[str, ...] = ()
    kind: OptionKind = "text"
    default: Any = None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    multiple: bool = False
    required: bool = False
    panel: str = ""


class CommandSpec(NamedTuple):
    """A command; ``run`` takes the values by key and returns the exit code."""

    name: str
    help: str
    options: tuple[OptionSpec, ...]
    run: Callable[[Mapping[str, Any]], int]


RUN: Final = OptionSpec(
    "run",
    "A run, its name (@latest, @failed, @prev), or the newest of a folder or .tgz.",
    kind="path",
    metavar="RUN",
    required=True,
)


def parse_args(options: Sequence[OptionSpec], words: Sequence[str]) -> dict[str, Any] | None:
    """Return the values by key, as typer parses them; None if a word is not surely understood."""
    known = {name: option for option in options for name in option.names}
    values: dict[str, Any] = {}
    positionals: list[str] = []
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-"):
            positionals.append(word)
            continue
        name, attached, value = word.partition("=")
        option = known.get(name)
        if option is None or (attached and (option.kind == "flag" or not name.startswith("--"))):
            return None
        if option.kind != "flag" and not attached:
            value = next(remaining, "")
        if not _set(values, option, value):
            return None
    if not _set_positionals(values, [option for option in options if not option.names], positionals):
        return None
    return {option.key: values.get(option.key, option.default) for option in options}


def _set_positionals(parsed: dict[str, Any], arguments: Sequence[OptionSpec], positionals: list[str]) -> bool:
    """Assign words to the positional arguments in order; return False if they do not fit."""
    for option in arguments:
        taken, positionals = (positionals, []) if option.multiple else (positionals[:1], positionals[1:])
        if option.required and not taken:
            return False
        values = [parse_value(option, word) for word in taken]
        if None in values:
            return False
        if taken:
            parsed[option.key] = values if option.multiple else values[0]
    return not positionals


def _set(parsed: dict[str, Any], option: OptionSpec, word: str) -> bool:
    value = True if option.kind == "flag" else parse_value(option, word)
    if option.multiple:
        parsed.setdefault(option.key, []).append(value)
    else:
        parsed[option.key] = value
    return value is not None


def parse_value(option: OptionSpec, word: str) -> Any:
    """Return the value of a word; None if it is not surely valid, as an empty word or one with a leading hyphen."""
    if not word or word.startswith("-"):
        return None
    if option.kind == "path":
        # typer reports a path that cannot be read
        return Path(word) if os.access(word, os.R_OK) or not os.path.lexists(word) else None
    if option.kind == "number":
        return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else None
    return word if option.kind == "text" or word in option.choices else None
