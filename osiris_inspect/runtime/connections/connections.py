"""Connections: ``@family.alias`` in a pipeline, resolved from ``osiris_connections.yaml`` in memory and nowhere else.

The file holds ``connections: {family: {alias: {key: value}}}``; a value may be ``${VAR}`` or ``${VAR:-default}``. Which
alias a reference without one means: the one with ``default: true``, else the one called ``default``, else the only one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model.errors import PipelineError, Problem, SettingsError
from osiris_inspect.model.redaction import MASK, is_secret_key, mask_by_pattern
from osiris_inspect.runtime.connections import env_file as variables
from osiris_inspect.runtime.connections.env_file import EnvironmentVariables
from osiris_inspect.runtime.pipeline import json_values as plain
from osiris_inspect.runtime.pipeline import yaml_positions as located
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.yaml_positions import PositionedDocument

FILE: Final = "osiris_connections.yaml"

_PASSWORD_IN_DSN = re.compile(r"\bpassword\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))", re.IGNORECASE)
_NOT_SENT = ("default", "description")


@dataclass(frozen=True, slots=True)
class Connections:
    """What the steps of a run connect with. Lives in memory; ``repr`` shows no value.

    Attributes:
        by_step: the resolved connection by step id; steps without one are absent.
        secrets: every value in them that must not be seen.
    """

    by_step: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def empty(cls) -> "Connections":
        """No connection at all."""
        return cls()


@dataclass(frozen=True, slots=True)
class ResolvedConnection:
    """One connection with its variables filled in."""

    family: str
    alias: str
    values: Mapping[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    is_default: bool = False


class ConnectionsFile:
    """The connections of one file, not yet resolved.

    Attributes:
        file: where it lies; a message names it.
    """

    def __init__(
        self, file: str, document: PositionedDocument | None, variables_: EnvironmentVariables
    ) -> None:
        self.file = file
        self._document = document
        self._variables = variables_
        found = document.value.get("connections") if document is not None else None
        self.families: Mapping[str, Mapping[str, Any]] = found or {}

    def names(self) -> Iterator[tuple[str, str]]:
        """Family and alias of every connection, in the order of the file."""
        for family, aliases in self.families.items():
            for alias in aliases:
                yield family, str(alias)

    def default_of(self, family: str) -> str | None:
        """The alias meant where none is named; None where that is not decided."""
        aliases = self.families.get(family, {})
        marked = [alias for alias, values in aliases.items() if values.get("default") is True]
        if marked:
            return str(marked[0])
        if "default" in aliases:
            return "default"
        return str(next(iter(aliases))) if len(aliases) == 1 else None

    def alias_of(self, family: str, alias: str | None) -> str:
        """The alias that a reference means.

        Raises:
            LookupError: there is none; says which there are.
        """
        if self._document is None:
            raise LookupError(f"there is no connections file; looked for {self.file}")
        if family not in self.families:
            there = ", ".join(self.families) or "none"
            near = did_you_mean(family, tuple(self.families))
            raise LookupError(f"{self.file} has no connections of family {family!r}{near}; it has {there}")
        aliases = ", ".join(map(str, self.families[family])) or "none"
        if alias is None:
            chosen = self.default_of(family)
            if chosen is None:
                text = f"{self.file} has several connections of family {family!r} and none is the default: {aliases}"
                raise LookupError(f"{text}; name one as @{family}.<alias>, or set default: true")
            return chosen
        if alias not in self.families[family]:
            near = did_you_mean(alias, tuple(map(str, self.families[family])))
            raise LookupError(f"{self.file} has no connection {family}.{alias}{near}; it has {aliases}")
        return alias

    def resolve_connections(self, family: str, alias: str) -> ResolvedConnection:
        """One connection, with its variables filled in.

        Raises:
            PipelineError: a variable is not set, or a value is nothing that can be sent; names file, line, connection,
                key and variable, each one.
        """
        values: dict[str, Any] = {}
        secrets: list[str] = []
        problems: list[Problem] = []
        for key, value in self.families[family][alias].items():
            if key in _NOT_SENT:
                continue
            problems += self._not_plain(family, alias, key, value)
            filled = (
                variables.substitute_variables(value, self._variables) if isinstance(value, str) else None
            )
            if filled is None:
                values[key] = value
            elif filled.value is None:
                problems += [self._missing(family, alias, key, name) for name in filled.missing]
            else:
                values[key] = filled.value
            if is_secret_key(key):
                secrets += _secrets_in(str(values.get(key, "")))
        if problems:
            raise PipelineError(problems)
        return ResolvedConnection(family, alias, values, tuple(secrets), alias == self.default_of(family))

    def masked(self, family: str, alias: str) -> dict[str, str]:
        """One connection for people: variables by name, secrets masked."""
        return {
            str(key): _masked(str(key), value)
            for key, value in self.families[family][alias].items()
            if key not in _NOT_SENT
        }

    def _not_plain(self, family: str, alias: str, key: str, value: Any) -> list[Problem]:
        assert self._document is not None  # noqa: S101  there are connections, so there is a document
        return [
            self._document.problem(
                f"connection {family}.{alias}: {text}", "connections", family, alias, key, *below
            )
            for text, below in plain.not_json_safe(key, value)
        ]

    def _missing(self, family: str, alias: str, key: str, name: str) -> Problem:
        assert self._document is not None  # noqa: S101  there are connections, so there is a document
        text = (
            f"connection {family}.{alias} takes {key!r} from the environment variable {name}, which is not set; "
            f"looked in {self._variables.describe_sources}"
        )
        return self._document.problem(text, "connections", family, alias, key)


def find_connections_file(named: Path | None, folders: Iterable[Path]) -> Path | None:
    """The connections file: the one that was named, else the first in the folders; None where there is none.

    Raises:
        SettingsError: the one that was named is not there.
    """
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"--connections {named} is no file")
        return named
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


def load_connections(
    file: Path | None, variables_: EnvironmentVariables, looked_in: Iterable[Path] = ()
) -> ConnectionsFile:
    """The connections of a file; no file gives an empty book that says where it was looked for.

    Raises:
        PipelineError: it is no connections file; carries every problem with its place.
    """
    if file is None:
        sought = " and ".join(str(folder / FILE) for folder in dict.fromkeys(looked_in))
        return ConnectionsFile(sought or FILE, None, variables_)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PipelineError([Problem(f"cannot be read: {error.strerror}", str(file))]) from None
    except UnicodeDecodeError as error:
        raise PipelineError(
            [Problem(f"cannot be read: not UTF-8 at byte {error.start}", str(file))]
        ) from None
    document = located.parse(text, str(file))
    problems = [*document.duplicate_keys, *_of_shape(document)]
    if problems:
        raise PipelineError(problems)
    return ConnectionsFile(str(file), document, variables_)


def resolve_connections(
    compiled: Compiled, components: Mapping[str, Component], book: ConnectionsFile
) -> Connections:
    """The connection of each step that has one.

    Raises:
        PipelineError: carries everything that is wrong, each with its place in the pipeline or the connections file.
    """
    by_step: dict[str, Mapping[str, Any]] = {}
    secrets: dict[str, None] = {}
    problems: dict[Problem, None] = {}
    for step in compiled.manifest.steps:
        component = components[step.component or step.driver]
        reference = compiled.configs[step.id].get("connection")
        if component.family is None or (reference is None and component.connection != "required"):
            continue
        _, _, alias = str(reference or "").partition(".")
        line, column = compiled.connection_positions.get(step.id, (step.line, 1))
        try:
            found = book.resolve_connections(component.family, book.alias_of(component.family, alias or None))
        except LookupError as error:
            text = f"step {step.id!r} connects with {reference or 'the default of ' + component.family}: {error.args[0]}"
            problems[Problem(text, compiled.file, line, column)] = None
        except PipelineError as error:
            problems |= dict.fromkeys(error.problems)
        else:
            by_step[step.id] = {**found.values, "family": found.family, "alias": found.alias}
            secrets |= dict.fromkeys(found.secrets)
    if problems:
        raise PipelineError(list(problems))
    return Connections(by_step, tuple(secrets))


def _of_shape(document: PositionedDocument) -> list[Problem]:
    value = document.value
    families = value.get("connections") if isinstance(value, dict) else None
    if not isinstance(families, dict):
        return [
            document.problem(
                "a connections file is a map with connections: {family: {alias: {…}}}", "connections"
            )
        ]
    problems = []
    for family, aliases in families.items():
        if not isinstance(aliases, dict):
            text = f"family {family!r} is no map of alias: connection"
            problems.append(document.problem(text, "connections", str(family)))
            continue
        marked = []
        for alias, values in aliases.items():
            if not isinstance(values, dict):
                text = f"connection {family}.{alias} is no map"
                problems.append(document.problem(text, "connections", str(family), str(alias)))
            elif values.get("default") is True:
                marked.append(str(alias))
        if len(marked) > 1:
            text = f"family {family!r} has several defaults: {', '.join(marked)}"
            problems.append(document.problem(text, "connections", str(family), marked[1], "default"))
    return problems


def _secrets_in(value: str) -> list[str]:
    """A secret, and the password in it where it is an address."""
    found = [value]
    password = _password_of(value)
    if password:
        found += [password, unquote(password)]
    return [secret for secret in dict.fromkeys(found) if secret]


def _password_of(value: str) -> str | None:
    if "://" in value:
        try:
            return urlsplit(value).password
        except ValueError:
            return None  # no address, so there is none in it; it is masked as a whole
    match = _PASSWORD_IN_DSN.search(value)
    return (match[1] or match[2]) if match else None


def _masked(key: str, value: Any) -> str:
    if is_secret_key(key) and value not in (None, "") and not variables.contains_variable(value):
        return MASK
    return mask_by_pattern(str(value))
