"""``osiris-inspect config show``: the active settings and their origin."""

import json
from typing import Annotated

import typer

from osiris_inspect.cli.inspect import summarize
from osiris_inspect.cli.support import streams, user_config
from osiris_inspect.cli.support.user_config import Setting


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Show default settings.", no_args_is_help=True)
    group.command("show")(show)
    app.add_typer(group, name="config")


def show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Show where each setting comes from.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the active settings, in the syntax of the settings file.

    Variables (OSIRIS_INSPECT_FAIL_ON) override the file, and the flag of the same name overrides both.
    """
    active = user_config.settings(summarize.command().options)
    if as_json:
        document = {setting.option.key: _json(setting) for setting in active}
        streams.write_json(json.dumps(document, indent=2) + "\n")
        return
    if origin:
        streams.write_stdout(f"# {user_config.user_config_file()}\n")
    for setting in active:
        comment = f"  # {setting.source or setting.origin}" if origin else ""
        streams.write_stdout(f"{setting.option.key} = {json.dumps(setting.value)}{comment}\n")


def _json(setting: Setting) -> dict[str, str]:
    return {"value": setting.value, "origin": setting.origin, "place": setting.source}
