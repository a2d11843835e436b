"""The user's defaults for options, from ``config.toml`` and the environment; a flag on the command line wins.

fail_on = "warning"              # in the user's config.toml
OSIRIS_INSPECT_FAIL_ON=warning   # in the environment, which wins over the file

[runs]                           # only in the file
mode = "group"                   # the user's group may read run directories

[keep]                           # only in the file: after a run, frames of older runs are removed
runs = 20                        # of each pipeline, the frames of this many runs stay
bytes = "5GB"                    # the size of all frames in the folder of runs
age = "30d"                      # hours, days or weeks since the run
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from osiris_inspect.base.user_folders import user_folder
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec, parse_value
from osiris_inspect.model.errors import SettingsError

PREFIX: Final = "OSIRIS_INSPECT_"
CONFIGURABLE: Final = ("color", "fail_on", "min_confidence")
"""Options that have a user default."""
_OTHERS: Final = ("keep", "keys", "runs", "trusted")
"""Keys of the file that are not defaults of options."""

_AGE: Final = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_SECONDS: Final = {"h": 3600, "d": 86_400, "w": 604_800}

SettingOrigin = Literal["default", "file", "environment"]


class Setting(NamedTuple):
    """The default of an option and its source: a file or a variable."""

    option: OptionSpec
    value: Any
    origin: SettingOrigin
    source: str = ""


def with_user_defaults(command: CommandSpec) -> CommandSpec:
    """Return the command with the user's defaults.

    Raises:
        SettingsError: a value is invalid; the message names its source and the valid values.
    """
    defaults = {setting.option.key: setting.value for setting in settings(command.options)}
    options = (
        option._replace(default=defaults.get(option.key, option.default)) for option in command.options
    )
    return command._replace(options=tuple(options))


def settings(options: Iterable[OptionSpec], env: Mapping[str, str] | None = None) -> list[Setting]:
    """Return the defaults of the configurable options.

    Raises:
        SettingsError: as in ``with_user_defaults``.
    """
    configurable = [option for option in options if option.key in CONFIGURABLE]
    if not configurable:
        return []
    file = user_config_file()
    table = _table(file) if _exists(file) else {}
    return [_setting(option, os.environ if env is None else env, file, table) for option in configurable]


def _setting(option: OptionSpec, env: Mapping[str, str], file: Path, table: Mapping[str, Any]) -> Setting:
    variable = PREFIX + option.key.upper()
    if env.get(variable):
        return Setting(option, _value(option, env[variable], variable), "environment", variable)
    if option.key in table:
        value = _value(option, table[option.key], f"{str(file)!r}: {option.key}")
        return Setting(option, value, "file", str(file))
    return Setting(option, option.default, "default")


def _value(option: OptionSpec, text: Any, source: str) -> Any:
    value = parse_value(option, text) if isinstance(text, str) else None
    if value is None:
        raise SettingsError(f"{source} is {text!r}; choose from {', '.join(option.choices)}")
    return value


def _exists(file: Path) -> bool:
    """Return True if there is a file of settings.

    Raises:
        SettingsError: its folder cannot be searched, as under ``sudo -u`` with the home of another user.
    """
    try:
        return file.is_file()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(
            f"{str(file)!r} cannot be read: {reason}; set XDG_CONFIG_HOME to a folder of this user"
        ) from None


def _table(file: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{str(file)!r} cannot be read: {error}") from None
    unknown = sorted(set(table) - {*CONFIGURABLE, *_OTHERS})
    if unknown:
        known = ", ".join((*CONFIGURABLE, *_OTHERS))
        raise SettingsError(f"{str(file)!r}: unknown key {unknown[0]!r}; choose from {known}")
    return table


def trusted_folders() -> list[Path]:
    """Return the folders whose rules may be executed: the list ``trusted`` of ``config.toml``.

    Raises:
        SettingsError: the file cannot be read, or the list is invalid.
    """
    file = user_config_file()
    folders = _table(file).get("trusted", []) if _exists(file) else []
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise SettingsError(f"{str(file)!r}: trusted must be a list of folders")
    return [Path(folder) for folder in folders]


def is_group_shared() -> bool:
    """Return True if the user's group may read new run directories: ``mode = "group"`` of the table ``runs``.

    Raises:
        SettingsError: the file cannot be read, or the table is invalid.
    """
    file = user_config_file()
    runs = _table(file).get("runs", {}) if _exists(file) else {}
    mode = runs.get("mode", "private") if isinstance(runs, dict) and set(runs) <= {"mode"} else None
    if mode not in ("private", "group"):
        raise SettingsError(f'{str(file)!r}: runs is {runs!r}; write mode = "group" or mode = "private"')
    return bool(mode == "group")


class KeepLimits(NamedTuple):
    """Limits of the frames that stay on disk after a run; None for no limit.

    Attributes:
        runs: runs of each pipeline.
        bytes: size of all frames in the folder of runs.
        age_s: seconds since a run was last written.
    """

    runs: int | None = None
    bytes: int | None = None
    age_s: int | None = None


def keep_limits() -> KeepLimits | None:
    """Return the limits of the table ``keep``; None without it.

    Raises:
        SettingsError: the file cannot be read, or a limit is invalid.
    """
    file = user_config_file()
    table = _table(file).get("keep") if _exists(file) else None
    if table is None:
        return None
    source = f"{str(file)!r}: keep"
    if not isinstance(table, dict) or not table.keys() <= set(KeepLimits._fields[:2]) | {"age"}:
        raise SettingsError(f"{source} is {table!r}; it takes runs, bytes and age")
    runs, size, age = table.get("runs"), table.get("bytes"), table.get("age")
    if runs is not None and (type(runs) is not int or runs < 0):
        raise SettingsError(f"{source}.runs is {runs!r}; write a number of runs")
    age_s = parse_age(age) if isinstance(age, str) else None
    if age is not None and age_s is None:
        raise SettingsError(f"{source}.age is {age!r}; write hours, days or weeks: 12h, 30d, 8w")
    from osiris_inspect.runtime.files.memory_limit import parse_bytes

    return KeepLimits(runs, None if size is None else parse_bytes(str(size), f"{source}.bytes"), age_s)


def parse_age(text: str) -> int | None:
    """Return the seconds of an age such as ``12h``, ``30d`` or ``8w``; None if it is not one."""
    match = _AGE.fullmatch(text)
    return int(match[1]) * _SECONDS[match[2]] if match else None


def user_config_file() -> Path:
    """Return the user's ``config.toml``; it may not exist."""
    return user_folder("config") / "config.toml"
