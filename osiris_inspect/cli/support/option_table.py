"""What a command takes, as a table, and a quick reader of it.

The table is all there is: typer's signature of a command is made from it too, in ``typed``. To load typer takes three
times as long as to read a run, so the quick reader goes first. It takes only what it is sure of, word by word, and
declines the rest: help, completion and what to say of a typing error are typer's.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

OptionKind = Literal["flag", "text", "number", "path", "choice"]
COMPLETION: Final = "_OSIRIS_INSPECT_COMPLETE"
"""The variable by which a shell asks for completions; then nothing else is to be done."""


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """An option, or without ``names`` what a command is about.

    Attributes:
        key: the name under which its value is given to the command.
        names: ``--format``, ``-f``.
        kind: a number is a whole one, 0 or more.
        default: its value where it is not given. What is about something and has none must be given.
        several: whether it may be given many times; then its value is a list.
        choices: the values that a choice may have.
        panel: the heading under which the help lists it; the usual one where empty.
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


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A command: its name, its help, what it takes, and what it does with that, which gives the exit code."""

    name: str
    help: str
    options: tuple[OptionSpec, ...]
    run: Callable[[Mapping[str, Any]], int]


RUN: Final = OptionSpec(
    "run", "A run, or a folder of runs: then its newest run.", kind="path", metavar="RUN", required=True
)


def parse_args(options: Sequence[OptionSpec], words: Sequence[str]) -> dict[str, Any] | None:
    """The value of each option by its key, as typer reads them; None where a word is not surely understood."""
    known = {name: option for option in options for name in option.names}
    given: dict[str, Any] = {}
    about: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            about.append(word)
            continue
        name, attached, value = word.partition("=")
        option = known.get(name)
        if option is None or (attached and (option.kind == "flag" or not name.startswith("--"))):
            return None
        if option.kind != "flag" and not attached:
            value = next(rest, "")
        if not _set(given, option, value):
            return None
    subjects = [option for option in options if not option.names]
    if not _set_positionals(given, subjects, about):
        return None
    return {option.key: given.get(option.key, option.default) for option in options}


def _set_positionals(given: dict[str, Any], subjects: Sequence[OptionSpec], positionals: list[str]) -> bool:
    """Give what is about something to its options, in order; the last may take many."""
    for option in subjects:
        taken, positionals = (positionals, []) if option.multiple else (positionals[:1], positionals[1:])
        if option.required and not taken:
            return False
        values = [parse_value(option, word) for word in taken]
        if None in values:
            return False
        if taken:
            given[option.key] = values if option.multiple else values[0]
    return not positionals


def _set(given: dict[str, Any], option: OptionSpec, word: str) -> bool:
    value = True if option.kind == "flag" else parse_value(option, word)
    given[option.key] = value
    return value is not None


def parse_value(option: OptionSpec, word: str) -> Any:
    """The value that a word stands for; None where that is not sure. An empty word, or one with a hyphen, never is."""
    if not word or word.startswith("-"):
        return None
    if option.kind == "path":
        # a path that is there and may not be read is refused in typer's words
        return Path(word) if os.access(word, os.R_OK) or not os.path.lexists(word) else None
    if option.kind == "number":
        return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else None
    return word if option.kind == "text" or word in option.choices else None
