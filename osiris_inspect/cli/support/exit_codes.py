"""Exit codes, and which error means which."""

from typing import Final

from osiris_inspect.model.errors import (
    OsirisError,
    PipelineError,
    RunDirectoryExists,
    RunNotReadable,
    SettingsError,
)


class WrongUse(OsirisError):
    """What the command line asks for cannot be done like that; the message begins with the option."""


FOUND: Final = 1
USAGE: Final = 2
NO_RUN: Final = 3
FAULT: Final = 70
INTERRUPTED: Final = 130

MEANINGS: Final = {
    0: "nothing was found, or what was asked for was done",
    FOUND: "findings, or a run that failed",
    USAGE: "the command line asks for something that cannot be",
    NO_RUN: "no readable run",
    FAULT: "a fault of this program itself",
    INTERRUPTED: "interrupted",
}

_CODE_OF: dict[type[OsirisError], int] = {
    WrongUse: USAGE,
    RunNotReadable: NO_RUN,
    SettingsError: USAGE,
    RunDirectoryExists: USAGE,
    PipelineError: FOUND,
}


def exit_code_of(error: OsirisError) -> int:
    """The exit code for an error that ends a command; ``FOUND`` for one that has no code of its own."""
    return next((code for kind, code in _CODE_OF.items() if isinstance(error, kind)), FOUND)
