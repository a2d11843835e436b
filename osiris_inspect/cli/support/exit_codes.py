"""Exit codes of the commands and of errors."""

from typing import Final

from osiris_inspect.model.errors import (
    AlreadyResumed,
    InputsGone,
    MaskedConfiguration,
    MayHaveWritten,
    NotOurs,
    OsirisError,
    PipelineError,
    RunDirectoryExists,
    RunNotReadable,
    SettingsError,
)


class WrongUse(OsirisError):
    """A wrong command line; the message begins with the option."""


FOUND: Final = 1
USAGE: Final = 2
NO_RUN: Final = 3
FAULT: Final = 70
INTERRUPTED: Final = 130

MEANINGS: Final = {
    0: "success, or no findings",
    FOUND: "findings, or a failed or interrupted run",
    USAGE: "wrong usage",
    NO_RUN: "no readable run, or nothing to explain in it",
    FAULT: "internal error (please report it)",
    INTERRUPTED: "interrupted (Ctrl-C)",
}

_CODE_OF: dict[type[OsirisError], int] = {
    WrongUse: USAGE,
    RunNotReadable: NO_RUN,
    SettingsError: USAGE,
    RunDirectoryExists: USAGE,
    PipelineError: FOUND,
    AlreadyResumed: USAGE,
    InputsGone: NO_RUN,
    MaskedConfiguration: USAGE,
    MayHaveWritten: USAGE,
    NotOurs: NO_RUN,
}


def exit_code_of(error: OsirisError) -> int:
    """Return the exit code of an error that ends a command; ``FOUND`` by default."""
    return next((code for kind, code in _CODE_OF.items() if isinstance(error, kind)), FOUND)
