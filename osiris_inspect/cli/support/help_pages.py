"""Help pages: options and commands in groups, whole words at any width, and an example for each command."""

from collections.abc import Iterable
from inspect import cleandoc
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

EXAMPLES: Final = {
    "open": "osiris-inspect open logs/run_1759170586030",
    "summarize": "osiris-inspect summarize logs --latest --junit junit.xml",
    "compile": "osiris-inspect compile movies.yaml --profile prod",
    "run": "osiris-inspect run movies.yaml --on sandbox --param year=2024",
    "replay": "osiris-inspect replay @failed compute-stats --set query=@fixed.sql",
    "repro": "osiris-inspect repro @failed -o failure.zip",
    "shell": "osiris-inspect shell @failed compute-stats",
    "resume": "osiris-inspect resume @failed --dry-run",
    "demo": "osiris-inspect demo osiris-demo",
    "init": "osiris-inspect init ci --system github",
    "doctor": "osiris-inspect doctor --json",
    "lint": "osiris-inspect lint pipelines/*.yaml",
    "why": "osiris-inspect why @failed compute-stats.df",
    "diff": "osiris-inspect diff @failed",
    "history": "osiris-inspect history @latest compute-stats",
    "events": "osiris-inspect events @latest 'step=compute-* event=step_failed'",
    "runs": "osiris-inspect runs logs --failed --since -3d",
    "clean": "osiris-inspect clean logs --older-than 30d --keep 5GB",
    "sql": """osiris-inspect sql @latest 'select * from "extract-movies" limit 5'""",
    "lineage": "osiris-inspect lineage @latest --format svg -o lineage.svg",
    "timeline": "osiris-inspect timeline @latest --format svg -o timeline.svg",
    "pack": "osiris-inspect pack @failed --tokens 2000",
    "rules": "osiris-inspect rules | grep csv",
    "explain": "osiris-inspect explain @failed:column-missing",
    "connections": "osiris-inspect connections test",
    "connections list": "osiris-inspect connections list",
    "connections test": "osiris-inspect connections test @mysql.movies",
    "components": "osiris-inspect components show filesystem.csv_extractor",
    "components list": "osiris-inspect components list",
    "components show": "osiris-inspect components show filesystem.csv_extractor",
    "config": "osiris-inspect config show --origin",
    "config show": "osiris-inspect config show --origin",
}
"""An example for each command, by its name."""
COMMAND_GROUPS: Final = {
    "Find out why a run failed": (
        "open", "summarize", "why", "diff", "history", "events", "runs", "sql", "lineage", "timeline", "pack", "rules", "explain",
    ),
    "Run pipelines": ("run", "resume", "replay", "repro", "shell", "compile", "lint", "demo"),
    "Set up": ("init", "connections", "components", "config", "doctor", "clean"),
}  # fmt: skip
"""Names of commands by the heading above them."""
MAX_NAMES: Final = 60
"""Columns of the names of an option and its choices."""
MAX_WIDTH: Final = 1_000
"""Columns of a help page at most; by default typer fills only 80 of a wide terminal."""


class GroupedCommand(TyperCommand):
    """A command whose help has its options in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the groups of options."""
        _write_options(self, ctx, formatter)


class GroupedGroup(TyperGroup):
    """A group of commands whose help has its commands in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands with their whole first sentence."""
        for heading, names in _grouped(self.list_commands(ctx)):
            with formatter.section(heading):
                formatter.write_dl([(name, _first_line(self.commands[name].help or "")) for name in names])


def prepare_help(app: typer.Typer, above: str = "") -> None:
    """Give every command of an application its help page.

    The lines of each paragraph are joined, so that typer wraps it at the width of the terminal.
    """
    for info in app.registered_commands:
        name = f"{above}{info.name or getattr(info.callback, '__name__', '')}"
        text = cleandoc(info.help or (info.callback.__doc__ if info.callback else "") or "")
        info.help = "\n\n".join(paragraph.replace("\n", " ") for paragraph in text.split("\n\n"))
        info.cls, info.epilog = GroupedCommand, example(name)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            name = f"{above}{group.name or group.typer_instance.info.name}"
            group.cls, group.epilog = GroupedGroup, example(name)
            prepare_help(group.typer_instance, f"{name} ")


def example(name: str) -> str:
    """Return the end of the help of a command; its lines are not wrapped."""
    return f"\b\nExample:\n  {EXAMPLES[name]}"


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None:
            continue
        if parameter.param_type_name == "argument":
            names, text = record
            groups.setdefault("Arguments", []).append((names.partition(" <")[0], text))
        else:
            groups.setdefault(parameter.rich_help_panel or "Options", []).append(_narrow(*record))
    for heading in sorted(groups, key=lambda heading: heading != "Arguments"):
        with formatter.section(heading):
            formatter.write_dl(groups[heading])


def _narrow(names: str, text: str) -> tuple[str, str]:
    """Return the two columns of an option, with many choices in the second one, which is wrapped."""
    if len(names) <= MAX_NAMES:
        return names, text
    option, _, choices = names.partition(" <")
    return f"{option} NAME", f"{text}  One of {choices.rstrip('>').replace('|', ', ')}."


def _grouped(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    available = list(names)
    grouped = [
        (heading, [name for name in members if name in available])
        for heading, members in COMMAND_GROUPS.items()
    ]
    others = [name for name in available if not any(name in members for _, members in grouped)]
    return [(heading, members) for heading, members in [*grouped, ("Commands", others)] if members]


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
