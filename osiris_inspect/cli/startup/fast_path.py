"""Runs the most frequent commands without loading typer."""

import gc
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from osiris_inspect.cli.startup.instant_verdict import path_argument

_GC_THRESHOLD: Final = 50_000
"""New objects before a garbage collection; a short process creates few reference cycles."""
_COMMANDS: Final = ("events", "open", "runs", "summarize", "why")


def run_fast(arguments: Sequence[str]) -> int | None:
    """Run the command line and return its exit code; None if typer must parse it."""
    from osiris_inspect.cli.support.option_table import COMPLETION, CommandSpec, parse_args
    from osiris_inspect.cli.support.user_config import with_user_defaults

    words = list(arguments)
    if words[:1] != ["open"] and path_argument(words) is not None:
        words = ["open", *words]
    if not words or words[0] not in _COMMANDS or COMPLETION in os.environ:
        return None
    gc.set_threshold(_GC_THRESHOLD)
    command: CommandSpec = import_module(f"osiris_inspect.cli.inspect.{words[0]}").command()
    if parse_args(command.options, words[1:]) is None:
        return None
    command = with_user_defaults(command)
    return command.run(parse_args(command.options, words[1:]) or {})
