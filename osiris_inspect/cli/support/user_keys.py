"""The user's key bindings: the table ``[keys]`` of ``config.toml``.

[keys]
next_failure = "ctrl+n"
quit = ["q", "ctrl+w"]
"""

from collections.abc import Mapping
from pathlib import Path

from osiris_inspect.cli.support.user_config import user_config_file
from osiris_inspect.model.errors import SettingsError


def load_custom_keys(file: Path | None = None) -> Mapping[str, object]:
    """Return the key bindings by action, of the user's file by default; empty if there is no file.

    Raises:
        SettingsError: the file cannot be read, is not TOML, or its ``keys`` are not a table.
    """
    file = file or user_config_file()
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{str(file)!r} cannot be read: {error}") from error
    import tomllib

    try:
        keys = tomllib.loads(text).get("keys", {})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{str(file)!r} is not valid TOML: {error}") from error
    if not isinstance(keys, dict):
        raise SettingsError(f"{str(file)!r}: keys must be a table, [keys]")
    return keys
