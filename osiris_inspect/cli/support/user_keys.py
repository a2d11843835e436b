"""The keys that a user chose for the screens: the table ``[keys]`` of ``config.toml``.

[keys]
next_failure = "ctrl+n"
quit = ["q", "ctrl+w"]
"""

from collections.abc import Mapping
from pathlib import Path

from osiris_inspect.model.errors import SettingsError

FILE = "config.toml"


def load_custom_keys(file: Path | None = None) -> Mapping[str, object]:
    """Names of keys and what they are to be; nothing without a file. ``file`` is that of the user where none is named.

    Raises:
        SettingsError: the file is no TOML, cannot be read, or its keys are no table.
    """
    file = _user_file() if file is None else file
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
        raise SettingsError(f"{str(file)!r} is no TOML: {error}") from error
    if not isinstance(keys, dict):
        raise SettingsError(f"{str(file)!r}: keys is to be a table, [keys]")
    return keys


def _user_file() -> Path:
    import platformdirs

    return platformdirs.user_config_path("osiris-inspect", appauthor=False) / FILE
