"""The typer application. A first word that is not a command is a path to open."""

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from osiris_inspect.cli.inspect import clean, events, pack, pictures, rules, runs, sql, summarize, why
from osiris_inspect.cli.inspect import open as open_
from osiris_inspect.cli.pipeline import components, config, connections, demo, doctor, init, lint, run
from osiris_inspect.cli.replay import diff, history, replay, repro, resume, shell
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.completion import complete_run, use_own_bash_script
from osiris_inspect.cli.support.exit_codes import WrongUse
from osiris_inspect.cli.support.help_pages import MAX_WIDTH, GroupedGroup, prepare_help
from osiris_inspect.cli.support.run_names import run_with_prefix
from osiris_inspect.cli.support.typer_adapter import add_to_typer
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.version import __version__

OPEN = "open"
HELP = "help"


class DefaultOpenGroup(GroupedGroup):
    """A group that treats ``osiris-inspect logs/run_123`` as ``osiris-inspect open logs/run_123``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``open`` in front of a path and of an empty command line."""
        if ctx.resilient_parsing and (not args or args == ["--"]):  # a shell completes the first word
            return super().parse_args(ctx, args)
        first_word = next((arg for arg in args if not arg.startswith("-") or arg == "-"), None)
        own_options = {
            "-h",
            "--help",
            "-V",
            "--version",
            "--spec",
            "--install-completion",
            "--show-completion",
        }
        if first_word == HELP and args[0] == HELP and not os.path.lexists(HELP):
            args = [*args[1:], "--help"]
        elif first_word not in self.commands and not own_options.intersection(args[:1]):
            if not ctx.resilient_parsing:
                _check_path(first_word, args, self.commands)
            args = [OPEN, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the commands and options that begin with a word; the runs if it can be the name of one."""
        from typer._click.shell_completion import CompletionItem

        runs = complete_run(incomplete) if incomplete.startswith(("@", "run_")) or "/" in incomplete else []
        return [*super().shell_complete(ctx, incomplete), *map(CompletionItem, runs)]


def _check_path(word: str | None, words: Sequence[str], commands: Collection[str]) -> None:
    """Check that a first word that is not a command can be a path.

    Raises:
        WrongUse: it resembles a command, or more words follow.
        RunNotReadable: it is the only word, and no such path exists.
    """
    if word is None or "/" in word or word.startswith(("-", "@")) or os.path.lexists(word):
        return
    from osiris_inspect.base.near_names import near_names

    near = near_names(word, commands, limit=2, similarity=0.66)
    if near:
        raise WrongUse(f"no such command {word!r}; did you mean {' or '.join(map(repr, near))}?")
    if run_with_prefix(Path(word)) is not None:
        return
    if sum(not other.startswith("-") for other in words) > 1:
        raise WrongUse(f"no such command {word!r}; see osiris-inspect --help")
    raise RunNotReadable(f"{word!r}: no such command, file or directory; see osiris-inspect --help")


def build_app() -> typer.Typer:
    """Return the application with every command."""
    use_own_bash_script()
    app = typer.Typer(
        cls=DefaultOpenGroup,
        help="Run DataFrame pipelines locally or in a sandbox, and see why a run failed.\n\n"
        "osiris-inspect logs/run_123 opens a run; osiris-inspect logs lists the runs of a folder.",
        epilog="\b\nExamples:\n  osiris-inspect demo             make example runs and open them\n"
        "  osiris-inspect                  open the newest run\n  osiris-inspect summarize logs   report on all runs",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MAX_WIDTH},
    )
    app.callback()(_global_options(app))
    for family in (
        open_,
        summarize,
        run,
        resume,
        replay,
        repro,
        shell,
        demo,
        init,
        doctor,
        lint,
        connections,
        components,
        config,
        why,
        diff,
        history,
        events,
        runs,
        clean,
        sql,
        pictures,
        pack,
        rules,
    ):
        if hasattr(family, "register"):
            family.register(app)
        else:
            add_to_typer(app, family.command())
    prepare_help(app)
    return app


def _global_options(app: typer.Typer) -> Callable[..., None]:
    def options(
        *,
        version: Annotated[
            bool,
            typer.Option(
                "--version",
                "-V",
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
