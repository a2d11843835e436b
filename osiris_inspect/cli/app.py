"""The typer application. A first word that is not a command is a path to open."""

import os
from collections.abc import Callable, Collection, Sequence
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from osiris_inspect.cli.inspect import clean, events, lineage, pack, rules, runs, sql, summarize, why
from osiris_inspect.cli.inspect import open as open_
from osiris_inspect.cli.pipeline import components, config, connections, demo, doctor, lint, run
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.run_names import run_with_prefix
from osiris_inspect.cli.support.typer_adapter import add_to_typer
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.version import __version__

OPEN = "open"
HELP = "help"


class DefaultOpenGroup(TyperGroup):
    """A group that treats ``osiris-inspect logs/run_123`` as ``osiris-inspect open logs/run_123``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``open`` in front of a path and of an empty command line."""
        first_word = next((arg for arg in args if not arg.startswith("-") or arg == "-"), None)
        own_options = {"-h", "--help", "--version", "--spec", "--install-completion", "--show-completion"}
        if first_word == HELP and args[0] == HELP and not os.path.lexists(HELP):
            args = [*args[1:], "--help"]
        elif first_word not in self.commands and not own_options.intersection(args[:1]):
            _check_path(first_word, args, self.commands)
            args = [OPEN, *args]
        return super().parse_args(ctx, args)


def _check_path(word: str | None, words: Sequence[str], commands: Collection[str]) -> None:
    """Check that a first word that is not a command can be a path.

    Raises:
        WrongUse: it resembles a command, or more words follow.
        RunNotReadable: it is the only word, and no such path exists.
    """
    if word is None or "/" in word or word.startswith(("-", "@")) or os.path.lexists(word):
        return
    from osiris_inspect.base.near_names import near_names

    near = near_names(word, commands, similarity=0.7)
    if near:
        raise WrongUse(f"no such command {word!r}; did you mean {near[0]!r}?")
    if run_with_prefix(Path(word)) is not None:
        return
    if sum(not other.startswith("-") for other in words) > 1:
        raise WrongUse(f"no such command {word!r}; see osiris-inspect --help")
    raise RunNotReadable(f"{word!r}: no such command, file or directory; see osiris-inspect --help")


def build_app() -> typer.Typer:
    """Return the application with every command."""
    app = typer.Typer(
        cls=DefaultOpenGroup,
        help="Run DataFrame pipelines locally or in a sandbox, and see why a run failed.\n\n"
        "osiris-inspect logs/run_123 opens a run; osiris-inspect logs lists the runs of a folder.",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options(app))
    for family in (
        open_,
        summarize,
        run,
        demo,
        doctor,
        lint,
        connections,
        components,
        config,
        why,
        events,
        runs,
        clean,
        sql,
        lineage,
        pack,
        rules,
    ):
        if hasattr(family, "register"):
            family.register(app)
        else:
            add_to_typer(app, family.command())
    _reflow_help(app)
    return app


def _reflow_help(app: typer.Typer) -> None:
    """Join the lines of each paragraph of the help, so that typer wraps it at the width of the terminal."""
    for info in app.registered_commands:
        text = cleandoc(info.help or (info.callback.__doc__ if info.callback else "") or "")
        info.help = "\n\n".join(paragraph.replace("\n", " ") for paragraph in text.split("\n\n"))
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _reflow_help(group.typer_instance)


def _global_options(app: typer.Typer) -> Callable[..., None]:
    def options(
        *,
        version: Annotated[
            bool,
            typer.Option(
                "--version",
                help="Print the version and exit.",
                callback=lambda value: _print(f"osiris-inspect {__version__}") if value else None,
                is_eager=True,
            ),
        ] = False,
        spec: Annotated[
            bool,
            typer.Option(
                "--spec",
                help="Print commands, options, formats and rules as JSON and exit.",
                callback=lambda value: _print_spec(app) if value else None,
                is_eager=True,
            ),
        ] = False,
    ) -> None:
        del version, spec  # their callbacks did the work

    return options


def _print_spec(app: typer.Typer) -> None:
    import json

    from osiris_inspect.cli.spec import build_spec

    streams.write_json(json.dumps(build_spec(app), indent=2) + "\n")
    raise typer.Exit


def _print(text: str) -> None:
    streams.write_stdout(f"{text}\n")
    raise typer.Exit
