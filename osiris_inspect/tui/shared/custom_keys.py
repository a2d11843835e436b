"""Custom key bindings from the configuration, applied to the key table."""

import unicodedata
from collections.abc import Mapping, Sequence

from textual.keys import KEY_NAME_REPLACEMENTS

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.tui.shared.key_bindings import KEY_TABLE, KeyBinding

_INNER_SCOPES = ("filter", "query", "moment")
"""Scopes of text inputs and of the list of time travel. Their keys may repeat keys of other scopes."""


def apply_custom_keys(custom_keys: Mapping[str, object]) -> tuple[KeyBinding, ...]:
    """Return the key table with other keys. ``custom_keys`` maps a name of the table to one key or a list of keys.

    Raises:
        SettingsError: A name is not in the table, a value is not a key, or a key would have two meanings.
    """
    changed = {name: _parse_keys(name, value) for name, value in custom_keys.items()}
    table = tuple(key._replace(keys=",".join(changed.get(key.name, [key.keys]))) for key in KEY_TABLE)
    _check_names(changed)
    for is_inner in (False, True):
        _check_conflicts([key for key in table if (key.scope in _INNER_SCOPES) is is_inner], changed)
    return table


def textual_keymap(table: Sequence[KeyBinding]) -> dict[str, str]:
    """Return the changed keys in the form that Textual expects."""
    return {
        key.name: key.keys for key, default in zip(table, KEY_TABLE, strict=True) if key.keys != default.keys
    }


def _parse_keys(name: str, value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    keys = [_key_name(key) for key in values if isinstance(key, str) and (key.strip() or key == " ")]
    if not keys or len(keys) < len(values):
        raise SettingsError(f"keys: {name!r} must be a key such as 'ctrl+n' or a list of keys, not {value!r}")
    return keys


def _check_names(changed: Mapping[str, object]) -> None:
    names = [key.name for key in KEY_TABLE]
    for name in changed:
        if name not in names:
            hint = did_you_mean(name, names) or f"; the names are {', '.join(dict.fromkeys(names))}"
            raise SettingsError(f"keys: unknown name {name!r}{hint}")


def _check_conflicts(table: Sequence[KeyBinding], changed: Mapping[str, object]) -> None:
    """Check that no changed key has two meanings: the inner widget would hide the outer one's."""
    owners: dict[tuple[str, str], str] = {}
    for binding in table:
        for key in binding.keys.split(","):
            scope = binding.scope if binding.scope in _INNER_SCOPES else ""
            owner = owners.setdefault((scope, key), binding.name)
            if owner != binding.name and {owner, binding.name} & changed.keys():
                raise SettingsError(f"keys: {key!r} is assigned to both {owner!r} and {binding.name!r}")


def _key_name(key: str) -> str:
    """Return Textual's name of a key: ``slash`` for ``/``."""
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)
