"""Description of a component: its keys, inputs and driver, as a value.

Reading it imports neither the driver nor its client library. Other packages add components by an entry
point in the group ``osiris_inspect.components`` that names a ``Component`` or a list of them.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from osiris_inspect.base.near_names import MAX_NAME_LENGTH, near_names
from osiris_inspect.model.redaction import is_secret_key

GROUP: Final = "osiris_inspect.components"

ValueKind = Literal["text", "encoding", "whole", "number", "switch", "list", "map", "texts", "list or switch"]
ComponentMode = Literal["read", "transform", "write"]

_KINDS: Mapping[ValueKind, tuple[str, tuple[type, ...]]] = {
    "text": ("string", (str,)),
    "encoding": ("string", (str,)),
    "whole": ("integer", (int,)),
    "number": ("number", (int, float)),
    "switch": ("true/false", (bool,)),
    "list": ("list", (list,)),
    "map": ("mapping", (dict,)),
    "texts": ("string or list", (str, list)),
    "list or switch": ("list or true/false", (list, bool)),
}
"""Name and Python types of each kind of value."""


_WORDS: Final = re.compile(r"[^\W_]+")
_MIN_SIMILARITY: Final = 0.75
_MAX_NEAR: Final = 4
_ROLES: Final = {
    **dict.fromkeys(("read", "reader", "source", "extract", "input"), "extractor"),
    **dict.fromkeys(("write", "sink", "load", "loader", "destination", "output"), "writer"),
    **dict.fromkeys(("transform", "transformer", "sql"), "processor"),
    "postgresql": "postgres",
    "mariadb": "mysql",
}
"""Words that people use for those in the names of components."""
_UNSUPPORTED: Final = (
    *("BigQuery", "Databricks", "Excel", "JSON", "Kafka", "MongoDB", "Oracle", "Redshift", "Snowflake"),
    "SQL Server",
)
"""Common systems that no built-in component reads or writes."""


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """Key of a component's configuration.

    Attributes:
        description: meaning of the key, for users.
        default: value if the key is not set; None for no value.
        choices: allowed values; empty for any value of the kind.
        secret: True if the value must not appear in a pipeline or a log.
        minimum: the smallest allowed number.
        required_when: another key and its values that make this one required: ``("write_mode", ("upsert",))``.
        ignored: True if the key is accepted for compatibility and has no effect.
        pattern: a regular expression that the text must match, and its description.
        differs_from: other keys that must have another value.
        instead_of: another key; exactly one of the two is set.
    """

    name: str
    kind: ValueKind
    description: str
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    secret: bool = False
    minimum: float | None = None
    required_when: tuple[str, tuple[Any, ...]] | None = None
    ignored: bool = False
    pattern: tuple[str, str] | None = None
    differs_from: tuple[str, ...] = ()
    instead_of: str = ""

    @property
    def is_secret(self) -> bool:
        """True if the value is masked: the key is marked as secret or has the name of one."""
        return self.secret or is_secret_key(self.name)

    @property
    def type_name(self) -> str:
        """Name of the type of its values, for users."""
        return _KINDS[self.kind][0]

    def validation_error(self, value: Any) -> str | None:
        """Return why ``value`` is invalid; None if it is valid."""
        if self.ignored:
            return None
        expected, types = _KINDS[self.kind]
        is_valid = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        if is_valid and self.kind == "texts" and isinstance(value, list):
            is_valid = bool(value) and all(isinstance(item, str) for item in value)
        if is_valid and self.kind == "encoding" and not _is_encoding(value):
            is_valid, expected = False, f"an encoding of Python, such as {_near_encoding(value)}"
        if is_valid and self.choices:
            is_valid, expected = value in self.choices, f"one of {', '.join(map(repr, self.choices))}"
        if is_valid and self.minimum is not None:
            is_valid, expected = value >= self.minimum, f"{expected} >= {self.minimum:g}"
        if is_valid and self.pattern is not None:
            is_valid, expected = re.fullmatch(self.pattern[0], value) is not None, self.pattern[1]
        return None if is_valid else f"invalid value {value!r} for {self.name!r}: expected {expected}"

    def is_required_with(self, config: Mapping[str, Any]) -> bool:
        """Return True if a configuration with these values (defaults included) must have the key."""
        if self.required_when is None:
            return self.required
        other, values = self.required_when
        return config.get(other) in values

    def equal_key(self, config: Mapping[str, Any]) -> str | None:
        """Return a key that has the same value in a configuration, defaults included, although it must not."""
        value = config.get(self.name)
        return next(
            (key for key in self.differs_from if value is not None and config.get(key) == value), None
        )


@dataclass(frozen=True, slots=True)
class Component:
    """Component of pipelines.

    Attributes:
        name: name in pipelines, such as ``duckdb.processor``.
        driver: ``module:class`` of the driver.
        modes: allowed modes; the first is the default.
        inputs: number of input frames.
        produces_frame: True if the result contains a frame.
        requires: modules that the driver imports; checked before the first step.
        extra: extra of this package that installs them; None if they are always installed.
        family: family of its connections; None if it uses none.
        connection: whether a connection is needed.
        capabilities: abilities beyond the summary, one sentence each.
        example: a step in a pipeline, as YAML.
        repeatable: True if it can run again after it failed and write no row twice, or a key and the values with which it can.
        thread_safe: True if steps can run in several threads of a process at the same time.
        not_secret: keys of its connections whose values are not secrets, also if they come from a variable.
    """

    name: str
    summary: str
    driver: str
    modes: tuple[ComponentMode, ...]
    keys: tuple[ConfigKey, ...]
    inputs: Literal["none", "one", "many"]
    produces_frame: bool
    requires: tuple[str, ...] = ()
    extra: str | None = None
    family: str | None = None
    connection: Literal["none", "optional", "required"] = "none"
    capabilities: tuple[str, ...] = ()
    example: str = ""
    not_secret: tuple[str, ...] = ()
    repeatable: bool | tuple[str, tuple[Any, ...]] = False
    thread_safe: bool = False

    def is_repeatable(self, config: Mapping[str, Any]) -> bool:
        """Return True if a step with this configuration, defaults included, writes no row twice if it runs again."""
        if isinstance(self.repeatable, bool):
            return self.repeatable
        key, values = self.repeatable
        return config.get(key) in values

    def key(self, name: str) -> ConfigKey | None:
        """Return the key with this name; None if there is none."""
        return next((key for key in self.keys if key.name == name), None)

    @property
    def defaults(self) -> dict[str, Any]:
        """Values of the keys that have a default."""
        return {key.name: key.default for key in self.keys if key.default is not None}


def unsupported_systems(names: Iterable[str]) -> list[str]:
    """Return the common systems that no component with one of these names is for."""
    words = {word for name in names for word in _words(name)}
    return [system for system in _UNSUPPORTED if _key(system) not in words]


def near_components(name: str, names: Iterable[str]) -> list[str]:
    """Return the names of components that are like ``name``, sorted.

    The words of the names are compared one by one, so ``csv.extractor`` is like ``filesystem.csv_extractor``.
    A name whose system is not known has none, whatever its role.
    """
    words = _words(name) if len(name) <= MAX_NAME_LENGTH else []
    if not words:
        return []
    matching = {other: [_is_like(word, _words(other)) for word in words] for other in names}
    whole = [other for other, matches in matching.items() if all(matches)]
    system = [other for other, matches in matching.items() if matches[0]]
    return sorted(whole or system)[:_MAX_NEAR]


def unknown_component(name: str, names: Collection[str], near: Collection[str]) -> str:
    """Return the message about an unknown component; ``near`` are the known ones like it."""
    text = f"unknown component {name!r}"
    if near:
        role = _words(name)[-1]
        lacks_role = role in _ROLES.values() and not any(role in _words(other) for other in near)
        others = " or ".join(map(repr, near))
        return f"{text}; there is only {others}" if lacks_role else f"{text}; did you mean {others}?"
    words = set(_words(name)[:2])
    reason = next((f"; {system} is not supported" for system in _UNSUPPORTED if _key(system) in words), "")
    return f"{text}{reason}; use one of {', '.join(sorted(names))}"


def _is_encoding(name: str) -> bool:
    """Return True if Python encodes texts under this name."""
    try:
        "".encode(name)
    except (LookupError, ValueError):  # also a codec of bytes, and a name with a NUL character
        return False
    return True


def _near_encoding(name: str) -> str:
    import codecs
    from encodings.aliases import aliases

    near = near_names(name, aliases)
    return codecs.lookup(near[0]).name if near else "utf-8"


def _words(name: str) -> list[str]:
    words: list[str] = _WORDS.findall(name.casefold())
    return [_ROLES.get(word, word) for word in words]


def _key(system: str) -> str:
    return system.replace(" ", "").casefold()


def _is_like(word: str, words: Collection[str]) -> bool:
    return word in words or bool(near_names(word, words, similarity=_MIN_SIMILARITY))
