"""``osiris-inspect config show``: which settings hold, and what says so."""

import json
from typing import Annotated

import typer

from osiris_inspect.cli.inspect import summarize
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support import user_config as settings
from osiris_inspect.cli.support.user_config import Setting


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Settings that hold where no flag says otherwise.", no_args_is_help=True)
    group.command("show")(show)
    app.add_typer(group, name="config")


def show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Say of each what sets it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Print the settings that hold here, as they can be written to the file of settings.

    What stands in the file is overruled by variables (OSIRIS_INSPECT_FAIL_ON), and those by the flag of the same name.
    """
    held = settings.settings(summarize.command().options)
    if as_json:
        streams.write_stdout(
            json.dumps({setting.option.key: _told(setting) for setting in held}, indent=2) + "\n"
        )
        return
    if origin:
        streams.write_stdout(f"# {settings.user_config_file()}\n")
    for setting in held:
        comment = _comment(setting) if origin else ""
        streams.write_stdout(f"{setting.option.key} = {json.dumps(setting.value)}{comment}\n")


def _comment(setting: Setting) -> str:
    return f"  # {setting.source or setting.origin}"


def _told(setting: Setting) -> dict[str, str]:
    return {"value": setting.value, "origin": setting.origin, "place": setting.source}
