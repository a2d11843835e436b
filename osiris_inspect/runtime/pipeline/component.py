"""What each component is and takes: the one place that compile, lint, masking, the worker's checks and the manual read.

A component says all this as a value, so that asking about it imports neither its driver nor its client library. Packages
add their own by an entry point in the group ``osiris_inspect.components`` that names a ``Component`` or a list of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from osiris_inspect.model.redaction import is_secret_key

GROUP: Final = "osiris_inspect.components"

ValueKind = Literal["text", "whole", "number", "switch", "list", "map", "texts", "list or switch"]
ComponentMode = Literal["read", "transform", "write"]

_PYTHON: Mapping[ValueKind, tuple[type, ...]] = {
    "text": (str,),
    "whole": (int,),
    "number": (int, float),
    "switch": (bool,),
    "list": (list,),
    "map": (dict,),
    "texts": (str, list),
    "list or switch": (list, bool),
}
_ARTICLE: Mapping[ValueKind, str] = {
    "text": "text",
    "whole": "a whole number",
    "number": "a number",
    "switch": "true or false",
    "list": "a list",
    "map": "a map",
    "texts": "text or a list of texts",
    "list or switch": "a list, true or false",
}


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """One key of a component's configuration.

    Attributes:
        says: what it means, for people.
        default: its value where it is not written; None: it is absent then.
        choices: the values it can have; empty: any of its kind.
        secret: whether its value must not stand in a pipeline or a log.
        lowest: the smallest number it can be.
        required_when: the key and the values of it that make this one required, e.g. ``("write_mode", ("upsert",))``.
        without_effect: pipelines of the original have it; it is taken and means nothing here.
        form: a regular expression that its text has to match, and what that is in words.
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

    @property
    def is_secret(self) -> bool:
        """Whether its value is masked: it says so, or is called like a secret."""
        return self.secret or is_secret_key(self.name)

    def validation_error(self, value: Any) -> str | None:
        """Why ``value`` cannot stand here, None where it can."""
        if self.ignored:
            return None
        takes = _PYTHON[self.kind]
        right_type = isinstance(value, takes) and (bool in takes or not isinstance(value, bool))
        if right_type and self.kind == "texts" and isinstance(value, list):
            right_type = bool(value) and all(isinstance(item, str) for item in value)
        if not right_type:
            return f"{self.name!r} takes {_ARTICLE[self.kind]}, not {value!r}"
        if self.choices and value not in self.choices:
            return f"{self.name!r} is {value!r}; it takes one of {', '.join(map(repr, self.choices))}"
        if self.minimum is not None and value < self.minimum:
            return f"{self.name!r} is {value!r}; it takes {_ARTICLE[self.kind]} from {self.minimum:g}"
        if self.pattern is not None and not re.fullmatch(self.pattern[0], value):
            return f"{self.name!r} is {value!r}; it takes {self.pattern[1]}"
        return None

    def is_required_with(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration with these values (defaults filled in) must have it."""
        if self.required_when is None:
            return self.required
        other, values = self.required_when
        return config.get(other) in values


@dataclass(frozen=True, slots=True)
class Component:
    """A component of pipelines.

    Attributes:
        name: what pipelines call it, e.g. ``duckdb.processor``.
        driver: ``module:class`` of what runs it.
        modes: the modes it can be used in; the first is the usual one.
        inputs: how many frames it takes.
        gives_frame: whether its result is a frame.
        requires: modules its driver imports, checked before the first step.
        extra: the extra of this package that brings them; None where they come anyway.
        family: the family of connections it uses, None for none.
        connection: whether it works without a connection.
        capabilities: what it can do beyond its summary, a sentence each.
        example: a step as it is written in a pipeline, YAML.
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

    def key(self, name: str) -> ConfigKey | None:
        """The key of that name."""
        return next((key for key in self.keys if key.name == name), None)

    @property
    def defaults(self) -> dict[str, Any]:
        """The keys that have a value without being written."""
        return {key.name: key.default for key in self.keys if key.default is not None}
