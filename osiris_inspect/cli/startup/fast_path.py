"""The commands that are asked for most often, without the time it takes to load typer."""

import gc
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from osiris_inspect.cli.startup import instant_verdict as first_words

_GC_THRESHOLD: Final = 50_000
"""Objects that are made before dead ones among them are looked for: a short life leaves few that nobody else frees."""
_COMMAND_MODULES: Final = {
    "events": "events",
    "open": "open",
    "runs": "runs",
    "summarize": "summarize",
    "why": "why",
}


def run_fast(arguments: Sequence[str]) -> int | None:
    """Do what the command line asks for and give the exit code; None where typer must read it."""
    from osiris_inspect.cli.support.option_table import COMPLETION, CommandSpec, parse_args
    from osiris_inspect.cli.support.user_config import with_user_defaults

    words = list(arguments)
    if words[:1] != ["open"] and first_words.path_argument(words) is not None:
        words = ["open", *words]
    if not words or words[0] not in _COMMAND_MODULES or COMPLETION in os.environ:
        return None
    gc.set_threshold(_GC_THRESHOLD)
    command: CommandSpec = import_module(f"osiris_inspect.cli.inspect.{_COMMAND_MODULES[words[0]]}").command()
    if parse_args(command.options, words[1:]) is None:
        return None
    command = with_user_defaults(command)
    return command.run(parse_args(command.options, words[1:]) or {})
