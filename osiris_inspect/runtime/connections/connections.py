"""Connections: resolves ``@family.alias`` from ``osiris_connections.yaml``, in memory only.

The file contains ``connections: {family: {alias: {key: value}}}``; a value may use ``${VAR}`` or
``${VAR:-default}``. The default alias is the one with ``default: true``, else ``default``, else the only one.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.near_names import Suggestions, did_you_mean
from osiris_inspect.model.errors import PipelineError, Problem, SettingsError
from osiris_inspect.model.redaction import MASK, is_secret_key, mask_by_key, mask_by_pattern
from osiris_inspect.runtime.connections import env_file as env_files
from osiris_inspect.runtime.connections.env_file import (
    EnvironmentVariables,
    contains_variable,
    substitute_variables,
    variables_of,
    without_defaults,
)
from osiris_inspect.runtime.connections.families import COMMON_KEYS, FAMILIES, key_mistakes
from osiris_inspect.runtime.connections.file_structure import structure_problems
from osiris_inspect.runtime.connections.secret_values import is_number, is_port, secret_values
from osiris_inspect.runtime.pipeline import yaml_positions
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.json_values import not_json_safe
from osiris_inspect.runtime.pipeline.yaml_positions import PositionedDocument

FILE: Final = "osiris_connections.yaml"

_EXCEPTIONS: Final = "not_secret"
_LIMIT: Final = "max_parallel"
_NOT_SENT: Final = tuple(key.name for key in COMMON_KEYS)
_BUILT_IN: Final = f"{__name__.split('.')[0]}."


@dataclass(frozen=True, slots=True)
class Connections:
    """Resolved connections of a run, kept in memory only; ``repr`` shows no value.

    Attributes:
        by_step: resolved connection by step id; steps without one are absent.
        secrets: all secret values.
        secrets_by_step: the secret values of each step's connection.
        files: the files that they were read from.
        max_parallel: the most steps at a time that use a connection, by its name ``family.alias``, if it has a limit.
        variables: the values of the environment variables that they name, by name.
    """

    by_step: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    files: tuple[Path, ...] = ()
    secrets_by_step: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    max_parallel: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


class ConnectionsFile:
    """Unresolved connections of one file.

    Attributes:
        file: path of the file, for messages.
    """

    def __init__(
        self,
        file: str,
        document: PositionedDocument | None,
        variables: EnvironmentVariables,
        elsewhere: Path | None = None,
    ) -> None:
        self.file, self._elsewhere = file, elsewhere
        self._document = document
        self._variables = variables
        self.families: Mapping[str, Mapping[str, Any]] = document.value["connections"] if document else {}

    @property
    def exists(self) -> bool:
        """True if there is a file."""
        return self._document is not None

    @property
    def variables_in_file(self) -> Mapping[str, str]:
        """The variables of the ``.env`` file."""
        return self._variables.from_file

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files with secrets: that of the connections and that of the variables."""
        own = (Path(self.file),) if self._document is not None else ()
        return (*own, self._variables.file) if self._variables.file is not None else own

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield the family and alias of each connection, in the order of the file."""
        for family, aliases in self.families.items():
            for alias in aliases:
                yield family, str(alias)

    def default_of(self, family: str) -> str | None:
        """Return the alias for a reference without one; None if there is no default."""
        aliases = self.families.get(family, {})
        marked = [alias for alias, values in aliases.items() if values.get("default") is True]
        if marked:
            return str(marked[0])
        if "default" in aliases:
            return "default"
        return str(next(iter(aliases))) if len(aliases) == 1 else None

    def alias_of(self, family: str, alias: str | None) -> str:
        """Return the alias that a reference means.

        Raises:
            LookupError: there is none; the message lists the known ones.
        """
        if self._document is None:
            raise LookupError(self._no_file())
        if family not in self.families:
            known = ", ".join(self.families) or "none"
            suggestion = did_you_mean(family, tuple(self.families))
            raise LookupError(
                f"{self.file} has no connections of family {family!r}{suggestion}; its families are {known}"
            )
        aliases = ", ".join(map(str, self.families[family])) or "none"
        if alias is None:
            default = self.default_of(family)
            if default is None:
                text = f"{self.file} has several connections of family {family!r}, but no default: {aliases}"
                raise LookupError(f"{text}; use @{family}.<alias>, or set default: true for one of them")
            return default
        if alias not in self.families[family]:
            suggestion = did_you_mean(alias, tuple(map(str, self.families[family])))
            raise LookupError(
                f"{self.file} has no connection {family}.{alias}{suggestion}; its aliases are {aliases}"
            )
        return alias

    def _no_file(self) -> str:
        if self._elsewhere is None:
            return (
                f"no connections file; create {self.file}, for example with osiris-inspect init connections"
            )
        return f"{self.file} does not exist, but {self._elsewhere} does; use --base . or --connections {FILE}"

    def key_problems(
        self, family: str, alias: str, components: Iterable[Component], suggestions: Suggestions
    ) -> list[Problem]:
        """Return the unknown and missing keys of one connection.

        Keys of a family are known if all its components are built in.
        """
        known = FAMILIES.get(family)
        others = (
            item for item in components if item.family == family and not item.driver.startswith(_BUILT_IN)
        )
        if known is None or any(others):
            return []
        connection = self.families[family][alias]
        return [
            self._problem(f" {text}", family, alias)
            if key is None
            else self._problem(f": {text}", family, alias, f"<key>{key}")
            for text, key in key_mistakes(known, connection, suggestions)
        ]

    def resolve(
        self, family: str, alias: str, public: Container[str] = ()
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Return one connection with its variables substituted, and its secret values.

        ``public`` are keys that a component declares as not secret; those under ``not_secret`` are added.

        Raises:
            PipelineError: contains each variable that is not set and each value that cannot be sent.
        """
        connection = self.families[family][alias]
        public = {*filter(public.__contains__, connection), *self._not_secret(family, alias)}
        values: dict[str, Any] = {}
        secrets: list[str] = []
        problems: list[Problem] = []
        for key, value in connection.items():
            if key in _NOT_SENT:
                continue
            problems += [
                self._problem(f": {text}", family, alias, key, *below)
                for text, below in not_json_safe(key, value)
            ]
            missing: dict[str, None] = {}
            values[key] = self._substituted(value, missing)
            problems += [
                self._problem(
                    f" takes {key!r} from the environment variable {name}, which is not set; "
                    f"set it (searched {self._variables.sources}){self._variables.similar(name)}",
                    *(family, alias, key),
                )
                for name in missing
            ]
            if is_port(str(key)) and values[key] is not None and not is_number(str(values[key])):
                problems.append(self._problem(f": {key} must be a number", family, alias, key))
            secrets += secret_values(str(key), value, public, self._variables)
        if problems:
            raise PipelineError(problems)
        return values, tuple(secret for secret in dict.fromkeys(secrets) if secret)

    def variables(self, family: str, alias: str) -> dict[str, str]:
        """Return the values of the environment variables that a connection names and that are set, by name."""
        texts = _texts(self.families[family][alias])
        used = (pair for text in texts for pair in variables_of(text, self._variables).values())
        return {name: value for name, value in used if self._variables.get(name) is not None}

    def _substituted(self, value: Any, missing: dict[str, None]) -> Any:
        """Return a value with the variables in its texts substituted; add the names of those that are not set."""
        if isinstance(value, str):
            text, names = substitute_variables(value, self._variables)
            missing |= dict.fromkeys(names)
            return text
        if isinstance(value, dict):
            return {key: self._substituted(item, missing) for key, item in value.items()}
        return [self._substituted(item, missing) for item in value] if isinstance(value, list) else value

    def _not_secret(self, family: str, alias: str) -> list[str]:
        keys = self.families[family][alias].get(_EXCEPTIONS) or []
        if isinstance(keys, list):
            return list(map(str, keys))
        text = f": {_EXCEPTIONS} must be a list of keys of the connection: [<key>, …]"
        raise PipelineError([self._problem(text, family, alias, _EXCEPTIONS)])

    def max_parallel(self, family: str, alias: str) -> int | None:
        """Return the most steps at a time that may use a connection; None for any number.

        Raises:
            PipelineError: the value is not a number from 1 on.
        """
        limit = self.families[family][alias].get(_LIMIT)
        if limit is None or (type(limit) is int and limit >= 1):
            return limit
        text = f": {_LIMIT} must be an integer from 1 on: the most steps at a time that use the connection"
        raise PipelineError([self._problem(text, family, alias, _LIMIT)])

    def masked(self, family: str, alias: str) -> dict[str, str]:
        """Return one connection for display: variables by name, secrets masked."""
        return {
            str(key): str(value) if key in self._not_secret(family, alias) else _masked(str(key), value)
            for key, value in self.families[family][alias].items()
            if key not in _NOT_SENT
        }

    def _problem(self, text: str, family: str, alias: str, *path: str | int) -> Problem:
        assert self._document is not None  # noqa: S101  only called for a loaded file
        text = f"connection {family}.{alias}{text}"
        return self._document.problem(text, "connections", family, alias, *path)


def open_connections(
    folders: Sequence[Path],
    environment: Mapping[str, str],
    named: Path | None = None,
    env_file: Path | None = None,
) -> ConnectionsFile:
    """Return the ``named`` connections file, or that of the first folder that has one, with its variables.

    Variables come from ``env_file``, by default ``.env`` beside the connections file, and from the environment.

    Raises:
        SettingsError: ``named`` or ``env_file`` does not exist.
        PipelineError: contains every problem of a file with its position.
    """
    if env_file is not None and not env_file.is_file():
        raise SettingsError(
            f"cannot read --env-file {env_file}: not a file",
            kind="file-missing",
            fix="check the path",
            option="--env-file",
            path=str(env_file),
        )
    file = find_connections_file(named, folders)
    beside = file.parent if file is not None else folders[0]
    return load_connections(file, env_files.read(environment, env_file or beside / env_files.FILE), folders)


def find_connections_file(path: Path | None, folders: Iterable[Path]) -> Path | None:
    """Return the connections file: ``path``, otherwise the first in ``folders``; None if there is none.

    Raises:
        SettingsError: ``path`` does not exist.
    """
    if path is not None:
        if not path.is_file():
            raise SettingsError(
                f"cannot read --connections {path}: not a file",
                kind="file-missing",
                fix="check the path",
                option="--connections",
                path=str(path),
            )
        return path
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


def load_connections(
    file: Path | None, variables: EnvironmentVariables, searched: Iterable[Path] = ()
) -> ConnectionsFile:
    """Return the connections of a file; without a file, an empty object that names the ``searched`` folders.

    Raises:
        PipelineError: contains every problem of the file with its position.
    """
    if file is None:
        elsewhere = Path.cwd() / FILE
        if not elsewhere.is_file():
            files = " or ".join(str(folder / FILE) for folder in dict.fromkeys(searched))
            return ConnectionsFile(files or FILE, None, variables)
        files = " or ".join(str((folder / FILE).absolute()) for folder in dict.fromkeys(searched))
        return ConnectionsFile(files, None, variables, elsewhere)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PipelineError([Problem(f"cannot read the file: {error.strerror}", str(file))]) from None
    except UnicodeDecodeError as error:
        problem = Problem(f"cannot read the file: not UTF-8 at byte {error.start}", str(file))
        raise PipelineError([problem]) from None
    document = yaml_positions.parse(text, str(file))
    problems = [*document.duplicate_keys, *structure_problems(document)]
    if problems:
        raise PipelineError(problems)
    return ConnectionsFile(str(file), document, variables)


def resolve_connections(
    compiled: Compiled, components: Mapping[str, Component], file: ConnectionsFile
) -> Connections:
    """Return the resolved connection of each step that has one.

    Raises:
        PipelineError: contains every problem with its position in the pipeline or the connections file.
    """
    by_step: dict[str, Mapping[str, Any]] = {}
    secrets: dict[str, None] = {}
    secrets_by_step: dict[str, tuple[str, ...]] = {}
    limits: dict[str, int] = {}
    variables: dict[str, str] = {}
    problems = dict.fromkeys(reference_problems(compiled, components, file))
    for use in connection_uses(compiled, components):
        try:
            alias = file.alias_of(use.family, use.alias)
            public = public_keys(use.family, components.values())
            values, secrets_of_step = file.resolve(use.family, alias, public)
            limit = file.max_parallel(use.family, alias)
        except LookupError:  # a reference problem
            continue
        except PipelineError as error:
            problems |= dict.fromkeys(error.problems)
        else:
            limits |= {} if limit is None else {f"{use.family}.{alias}": limit}
            by_step[use.step_id] = {**values, "family": use.family, "alias": alias}
            variables |= file.variables(use.family, alias)
            secrets |= dict.fromkeys(secrets_of_step)
            secrets_by_step[use.step_id] = secrets_of_step
    if problems:
        raise PipelineError(list(problems))
    return Connections(by_step, tuple(secrets), file.sources, secrets_by_step, limits, variables)


@dataclass(frozen=True, slots=True)
class ConnectionUse:
    """Reference of a step to a connection.

    Attributes:
        alias: None for the default connection of the family.
        name: the reference as it is written, for messages.
        position: line and column of the reference in the pipeline.
    """

    step_id: str
    family: str
    alias: str | None
    name: str
    position: tuple[int, int]


def connection_uses(compiled: Compiled, components: Mapping[str, Component]) -> Iterator[ConnectionUse]:
    """Yield the connection of each step that has one."""
    for step in compiled.manifest.steps:
        component = components[step.component or step.driver]
        reference = compiled.configs[step.id].get("connection")
        if component.family is None or (reference is None and component.connection != "required"):
            continue
        _, _, alias = str(reference or "").partition(".")
        position = compiled.connection_positions.get(step.id, (step.line, 1))
        name = str(reference or f"@{component.family}")
        yield ConnectionUse(step.id, component.family, alias or None, name, position)


def reference_problems(
    compiled: Compiled, components: Mapping[str, Component], file: ConnectionsFile
) -> list[Problem]:
    """Return the references of a pipeline that name no connection, and the wrong keys of the connections it uses."""
    problems: dict[Problem, None] = {}
    suggestions = Suggestions()
    seen: set[tuple[str, str]] = set()
    for use in connection_uses(compiled, components):
        try:
            alias = file.alias_of(use.family, use.alias)
        except LookupError as error:
            text = f"cannot resolve connection {use.name} of step {use.step_id!r}: {error.args[0]}"
            problems[Problem(text, compiled.file, *use.position)] = None
            continue
        if (use.family, alias) not in seen:
            seen.add((use.family, alias))
            found = file.key_problems(use.family, alias, components.values(), suggestions)
            problems |= dict.fromkeys(found)
    return list(problems)


def public_keys(family: str, components: Iterable[Component]) -> frozenset[str]:
    """Return the keys that the components of a family declare as not secret."""
    declaring = [component for component in components if component.family == family]
    keys = {key.name for component in declaring for key in component.keys if not key.is_secret}
    return frozenset(keys.union(*(component.not_secret for component in declaring)))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value of a connection."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _masked(key: str, value: Any) -> str:
    if value in (None, ""):
        return str(value)
    if isinstance(value, str) and contains_variable(value):
        return mask_by_pattern(without_defaults(value))
    if is_secret_key(key) or (is_port(key) and not is_number(str(value))):
        return MASK
    return str(mask_by_key(value))
