"""The commands, one module a family. A first word that is no command is a path to open."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from osiris_inspect import __version__
from osiris_inspect.cli import (
    components,
    config,
    connections,
    demo,
    doctor,
    events,
    inspect,
    lineage,
    lint,
    make,
    pack,
    rules,
    runs,
    sql,
    summarize,
    why,
)

OPEN = "open"


class PathOrCommand(TyperGroup):
    """A group that takes ``osiris-inspect logs/run_123`` for ``osiris-inspect open logs/run_123``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``open`` in front of a path, and in front of nothing at all."""
        first_word = next((arg for arg in args if not arg.startswith("-") or arg == "-"), None)
        own_options = {"-h", "--help", "--version", "--spec", "--install-completion", "--show-completion"}
        if first_word not in self.commands and not own_options.intersection(args[:1]):
            args = [OPEN, *args]
        return super().parse_args(ctx, args)


def build() -> typer.Typer:
    """The application with every command; importing it loads no heavy package."""
    app = typer.Typer(
        cls=PathOrCommand,
        help="Run DataFrame pipelines locally or in a sandbox, and see why a run failed.\n\n"
        "osiris-inspect logs/run_123 opens a run; osiris-inspect logs lists the runs of a folder.",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options_of(app))
    for family in (
        inspect,
        summarize,
        make,
        demo,
        doctor,
        lint,
        connections,
        components,
        config,
        why,
        events,
        runs,
        sql,
        lineage,
        pack,
        rules,
    ):
        family.register(app)
    return app


def _options_of(app: typer.Typer) -> Callable[..., None]:
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
                help="Print commands, options, formats and rules as JSON, for scripts, and exit.",
                callback=lambda value: _print(_spec_of(app)) if value else None,
                is_eager=True,
            ),
        ] = False,
    ) -> None:
        del version, spec  # their callbacks have done what they ask for

    return options


def _spec_of(app: typer.Typer) -> str:
    import json

    from osiris_inspect.cli.spec import document

    return json.dumps(document(app), indent=2)


def _print(text: str) -> None:
    typer.echo(text)
    raise typer.Exit
