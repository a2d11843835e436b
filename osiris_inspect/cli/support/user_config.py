"""What a user set once for all: in ``config.toml``, in the environment, or both. A flag counts more than either.

    fail_on = "warning"              # in the user's config.toml
    OSIRIS_INSPECT_FAIL_ON=warning   # in the environment, which counts more

Only options that have a default can be set, and they are those of the table of a command: a setting is another default.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec, parse_value
from osiris_inspect.model.errors import SettingsError

PREFIX: Final = "OSIRIS_INSPECT_"
CONFIGURABLE: Final = ("color", "fail_on", "min_confidence")
"""The options that may be set; what is written where, and which runs are meant, is said each time."""
_OTHERS: Final = ("keys",)
"""What else may stand in the file, and is read elsewhere."""

SettingOrigin = Literal["default", "file", "environment"]


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for an option where no flag says otherwise, and what says so: a file, or a variable."""

    option: OptionSpec
    value: Any
    origin: SettingOrigin
    source: str = ""


def with_user_defaults(command: CommandSpec) -> CommandSpec:
    """The command with the defaults that were set for it.

    Raises:
        SettingsError: something is set to what it cannot be; the message names the place and the values there are.
    """
    found = {setting.option.key: setting.value for setting in settings(command.options)}
    options = (replace(option, default=found.get(option.key, option.default)) for option in command.options)
    return replace(command, options=tuple(options))


def settings(options: Iterable[OptionSpec], env: Mapping[str, str] | None = None) -> list[Setting]:
    """What holds for each of the options that may be set.

    Raises:
        SettingsError: see ``settled``.
    """
    wanted = [option for option in options if option.key in CONFIGURABLE]
    if not wanted:
        return []
    file = user_config_file()
    table = _table(file) if file.is_file() else {}
    return [_setting(option, os.environ if env is None else env, file, table) for option in wanted]


def _setting(option: OptionSpec, env: Mapping[str, str], file: Path, table: Mapping[str, Any]) -> Setting:
    variable = PREFIX + option.key.upper()
    if env.get(variable):
        return Setting(option, _value(option, env[variable], variable), "environment", variable)
    if option.key in table:
        value = _value(option, table[option.key], f"{str(file)!r}: {option.key}")
        return Setting(option, value, "file", str(file))
    return Setting(option, option.default, "default")


def _value(option: OptionSpec, given: Any, source: str) -> Any:
    value = parse_value(option, given) if isinstance(given, str) else None
    if value is None:
        raise SettingsError(f"{source} is {given!r}; choose from {', '.join(option.choices)}")
    return value


def _table(file: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{str(file)!r} cannot be read: {error}") from None
    unknown = sorted(set(table) - {*CONFIGURABLE, *_OTHERS})
    if unknown:
        known = ", ".join((*CONFIGURABLE, *_OTHERS))
        raise SettingsError(f"{str(file)!r}: unknown key {unknown[0]!r}; there are {known}")
    return table


def user_config_file() -> Path:
    """Where the settings of a user are; the file may not be there."""
    import platformdirs

    return platformdirs.user_config_path("osiris-inspect", appauthor=False) / "config.toml"
