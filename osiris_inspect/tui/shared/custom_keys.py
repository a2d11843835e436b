"""Other keys than those of the table, as a configuration names them."""

from collections.abc import Mapping, Sequence

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.tui.shared.key_bindings import KEY_TABLE, KeyBinding

_INPUT_SCOPES = ("filter", "query")
"""Where keys mean something else: while a text is typed."""

_KEY_NAMES = {
    "/": "slash",
    ":": "colon",
    "?": "question_mark",
    " ": "space",
    ".": "full_stop",
    ",": "comma",
    ";": "semicolon",
    "-": "minus",
    "+": "plus",
    "=": "equals_sign",
    "!": "exclamation_mark",
    "#": "number_sign",
    "*": "asterisk",
    "<": "less_than_sign",
    ">": "greater_than_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
}


def apply_custom_keys(wanted: Mapping[str, object]) -> tuple[KeyBinding, ...]:
    """The table with other keys: names of it to a key, or to several in a list.

    Raises:
        SettingsError: a name is not in the table, a value names no key, or a key would mean two things.
    """
    changed = {name: _keys(name, value) for name, value in wanted.items()}
    table = tuple(_with_keys(key, changed[key.name]) if key.name in changed else key for key in KEY_TABLE)
    _check_names(changed)
    for is_typed in (False, True):
        _check_conflicts([key for key in table if (key.scope in _INPUT_SCOPES) is is_typed], changed)
    return table


def textual_keymap(table: Sequence[KeyBinding]) -> dict[str, str]:
    """What differs from the table as it is, as Textual takes it."""
    before = {key.name: key.keys for key in KEY_TABLE}
    return {key.name: key.keys for key in table if key.keys != before[key.name]}


def _keys(name: str, value: object) -> list[str]:
    given = value if isinstance(value, list) else [value]
    keys = [_KEY_NAMES.get(key, key) for key in given if isinstance(key, str) and (key.strip() or key == " ")]
    if not keys or len(keys) < len(given):
        raise SettingsError(
            f"keys: {name!r} is to be a key such as 'ctrl+n', or a list of them; it is {value!r}"
        )
    return keys


def _check_names(changed: Mapping[str, object]) -> None:
    names = [key.name for key in KEY_TABLE]
    for name in changed:
        if name not in names:
            hint = did_you_mean(name, names) or f"; there are {', '.join(dict.fromkeys(names))}"
            raise SettingsError(f"keys: there is no {name!r}{hint}")


def _check_conflicts(table: Sequence[KeyBinding], changed: Mapping[str, object]) -> None:
    """A key that means one thing in the list and another on the screen around it would mean only the first."""
    owners: dict[tuple[str, str], str] = {}
    for key in table:
        for one in key.keys.split(","):
            other = owners.setdefault((key.scope if key.scope in _INPUT_SCOPES else "", one), key.name)
            if other != key.name and {other, key.name} & changed.keys():
                raise SettingsError(f"keys: {one!r} would be both {other!r} and {key.name!r}")


def _with_keys(key: KeyBinding, keys: Sequence[str]) -> KeyBinding:
    signs = {word: sign for sign, word in _KEY_NAMES.items() if sign != " "}
    return key._replace(keys=",".join(keys), label=" ".join(signs.get(one, one) for one in keys))
