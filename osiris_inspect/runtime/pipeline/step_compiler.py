"""Compiler of one step: reads it from YAML, checks it and produces its manifest entry."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import Problem, SettingsError
from osiris_inspect.model.manifest import InputRef, Step, input_name
from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.files.memory_limit import MAX_BYTES, MIN_MEMORY_BYTES, parse_bytes
from osiris_inspect.runtime.pipeline.component import (
    Component,
    ConfigKey,
    near_components,
    unknown_component,
)
from osiris_inspect.runtime.pipeline.json_values import not_json_safe
from osiris_inspect.runtime.pipeline.parameters import has_unresolved_parameter, placeholder_error
from osiris_inspect.runtime.pipeline.retry_policy import parse_retry_policy
from osiris_inspect.runtime.pipeline.step_checks import read_checks
from osiris_inspect.runtime.pipeline.yaml_positions import Position, PositionedDocument

_STEP_WORDS = ("from", "step", "step_id", "source", "needs", "id")
"""Keys that are written for ``from_step`` by mistake."""
_STEP_KEYS = (
    "id",
    "component",
    "mode",
    "needs",
    "after",
    "inputs",
    "config",
    "checks",
    "retry",
    "tags",
    "timeout",
    "memory",
    "machine",
    "description",
)
SQL = "duckdb.processor"
"""Component whose inputs are SQL tables."""
_OLD_MODES = {"extract": "read", "load": "write"}
"""Further mode names in pipelines of the original Osiris."""
_LITERAL_KEYS = ("path", "table", "schema")
"""Keys of built-in components whose texts name a file or a table."""
_ID = re.compile(r"[\w.-]+")
_TAG = re.compile(r"[\w.-]{1,100}")
MAX_TIMEOUT_S = 10**7
"""Maximum time limit of a step, in seconds: 115 days."""
_MAX_CPUS = 10_000
MEMORY_NOT_LIMITED = {
    "local": "its worker is a thread, which can be neither bounded nor ended",
    "e2b": "all steps share the process and the memory of the sandbox",
}
"""Target to the reason why it cannot limit the memory of one step."""
_REFERENCE = re.compile(r"@([\w-]+)(?:\.([\w-]+))?")


class StepCompiler:
    """Step of a pipeline, with parameters substituted.

    Attributes:
        position: position in ``steps``, from 0.
        needs, after, inputs, checks, timeout_s, memory_bytes, machine, retry: set by ``check``.
    """

    def __init__(
        self, document: PositionedDocument, position: int, item: Mapping[str, Any], suggestions: Suggestions
    ) -> None:
        self.position, self.item = position, item
        self.id: str = _value_of_type(item.get("id"), str, "")
        self.component: str = _value_of_type(item.get("component"), str, "")
        self.config: dict[str, Any] = _value_of_type(item.get("config"), dict, {})
        self.needs: list[str] = []
        self.after: list[str] = []
        self.tags: list[str] = []
        self.timeout_s: float | None = None
        self.memory_bytes: int | None = None
        self.machine: Mapping[str, Any] = {}
        self.retry: Mapping[str, Any] = {}
        self.inputs: dict[str, InputRef] = {}
        self.checks: dict[str, Any] = {}
        self._step_above: StepCompiler | None = None
        self._document, self._suggestions = document, suggestions
        self._problems: list[Problem] = []

    @property
    def line(self) -> int:
        """Line of the step in the pipeline file."""
        return self._document.positions[("steps", self.position)][0]

    def check(
        self, previous_step: "StepCompiler | None", components: Mapping[str, Component]
    ) -> list[Problem]:
        """Read the step and return its problems; ``previous_step`` is the step written before it."""
        for name in map(str, self.item):
            if name not in _STEP_KEYS:
                self._problem_at_key(
                    f"unknown key {name!r} in step {self.id!r}{self._suggestions.did_you_mean(name, _STEP_KEYS)}",
                    name,
                )
        component = components.get(self.component)
        if component is None:
            self._problem(self._unknown_component(components), "component")
        else:
            self._check_mode(component)
            self._check_config(component)
        self._step_above = previous_step
        self._parse_needs(components)
        self._read_inputs()
        self._check_tables(is_sql=component is not None and component.name == SQL)
        if component is not None and component.inputs == "one":
            self._check_one_input(component)
        self.after = self._read_names("after", "step ids", "step id")
        self.tags = self._read_names("tags", "names", "name")
        for position, tag in enumerate(self.tags):
            if not _TAG.fullmatch(tag):
                text = f"tag {tag!r} is invalid: use letters, digits, '.', '_' and '-'"
                self._problem(text, "tags", position)
        self._read_timeout()
        self._read_memory()
        self._read_machine()
        self._read_retry(component)
        if "checks" in self.item:
            self._read_checks(component)
        return self._problems

    def step(self) -> Step:
        """Return the step's manifest entry."""
        return Step(
            id=self.id,
            driver=self.component,
            cfg_path=layout.config_path(self.id),
            needs=tuple(self.needs),
            inputs=self.inputs,
            component=self.component,
            line=self.line,
            checks=self.checks,
            after=tuple(name for name in self.after if name not in self.needs),
            tags=tuple(self.tags),
            timeout_s=self.timeout_s,
            memory_bytes=self.memory_bytes,
            machine=self.machine,
            retry=self.retry,
        )

    def config_with_defaults(self, component: Component) -> dict[str, Any]:
        """Return the step's configuration with the component's defaults."""
        ignored = {key.name for key in component.keys if key.ignored}
        config = {name: value for name, value in self.config.items() if name not in ignored}
        return {**component.defaults, **config, "component": component.name, "mode": self._mode(component)}

    def written_inputs(self) -> Iterator[tuple[str, tuple[str | int, ...]]]:
        """Yield each step whose output the pipeline file names for this step, and the position of its name."""
        if self.inputs:
            yield from ((ref.from_step, ("inputs", name)) for name, ref in self.inputs.items())
        elif self.item.get("needs") is not None:
            yield from ((need, ("needs", position)) for position, need in enumerate(self.needs))

    @property
    def connection_position(self) -> Position:
        """Position of the step's connection in the pipeline; of the step if it names none."""
        step_path = ("steps", self.position)
        positions = self._document.positions
        return positions.get((*step_path, "config", "connection")) or positions[step_path]

    def _mode(self, component: Component) -> str:
        mode = self.item.get("mode") or component.modes[0]
        return _OLD_MODES.get(str(mode), str(mode))

    def _unknown_component(self, components: Mapping[str, Component]) -> str:
        if not self.component:
            return f"component is missing; use one of {', '.join(sorted(components))}"
        near = self._suggestions.near_names(self.component, tuple(components), near_components)
        return unknown_component(self.component, tuple(components), near)

    def _check_mode(self, component: Component) -> None:
        mode = self.item.get("mode")
        if mode is None or self._mode(component) in component.modes:
            return
        modes = " or ".join(component.modes)
        self._problem(f"{component.name} does not support mode {mode!r}; use {modes}", "mode")

    def _check_config(self, component: Component) -> None:
        if not isinstance(self.item.get("config", {}), dict):
            self._problem(f"config of step {self.id!r} must be a mapping", "config")
            return
        for name, value in self.config.items():
            unsafe = tuple(not_json_safe(name, value))
            for text, below in unsafe:
                self._problem(text, "config", name, *below)
            if unsafe:
                continue
            if name == "connection" and component.family is not None:
                self._check_connection(component.family, component.name, value)
            else:
                self._check_entry(component, str(name), value)
        config = {**component.defaults, **self.config}
        for key in component.keys:
            if key.is_required_with(config) and _is_empty(self.config.get(key.name)):
                other = key.required_when[0] if key.required_when else ""
                condition = f" with {other}: {config[other]}" if other else ""
                text = f"config of step {self.id!r} lacks {key.name!r}, which {component.name} requires{condition}"
                self._problem(f"{text}; add it: {key.description}", "config")
            if key.instead_of:
                self._check_exactly_one(key, key.instead_of)
            equal = key.equal_key(config)
            if equal is not None:
                text = f"{key.name!r} and {equal!r} are both {config[key.name]!r}; set one of them to another character"
                self._problem(text, "config", *((key.name,) if key.name in self.config else ()))

    def _check_exactly_one(self, key: ConfigKey, other: str) -> None:
        given = [name for name in (key.name, other) if not _is_empty(self.config.get(name))]
        if not given:
            text = f"config of step {self.id!r} lacks {key.name!r} or {other!r}; add {key.name}: {key.description}"
            self._problem(text, "config")
        elif len(given) > 1:
            self._problem(f"{key.name!r} and {other!r} are both set; remove one of them", "config", key.name)

    def _check_connection(self, family: str, component: str, value: Any) -> None:
        if has_unresolved_parameter(value):
            return
        reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        error = self._placeholder_error(value)
        if error is not None:
            self._problem(f"invalid connection {value!r}: {error}", "config", "connection")
        elif reference is None:
            text = f"invalid connection {value!r}; write @{family}.<alias>, or @{family} for the default connection"
            self._problem(text, "config", "connection")
        elif reference[1] != family:
            text = (
                f"connection {value!r} is of family {reference[1]!r}; {component} requires family {family!r}"
            )
            self._problem(text, "config", "connection")

    def _check_entry(self, component: Component, name: str, value: Any) -> None:
        key = component.key(name)
        if key is None:
            names = tuple(known.name for known in component.keys if not known.ignored)
            names = (*names, "connection") if component.family else names
            hint = self._suggestions.did_you_mean(name, names) or "; use one of " + ", ".join(names)
            self._problem_at_key(f"unknown key {name!r} for {component.name}{hint}", "config", name)
        elif value is None or has_unresolved_parameter(value):
            return
        elif (problem := key.validation_error(value)) is not None:
            self._problem(problem, "config", name)
        elif name in _LITERAL_KEYS and component.driver.startswith("osiris_inspect."):
            self._check_placeholders(name, value)
        if isinstance(value, str) and (is_secret_key(name) if key is None else key.is_secret):
            text = f"{name!r} is a secret in the pipeline file; move it to a connection and refer to it as @family.alias"
            self._problem(text, "config", name)

    def _check_placeholders(self, name: str, value: Any) -> None:
        for position, text in enumerate(value if isinstance(value, list) else [value]):
            error = None if has_unresolved_parameter(text) else self._placeholder_error(text)
            if error is not None:
                below = (position,) if isinstance(value, list) else ()
                self._problem(f"invalid {name}: {error}", "config", name, *below)

    def _placeholder_error(self, value: Any) -> str | None:
        declared = self._document.value.get("params")
        return placeholder_error(value, declared) if isinstance(value, str) else None

    def _parse_needs(self, components: Mapping[str, Component]) -> None:
        needs = self.item.get("needs")
        if needs is None:
            component, above = components.get(self.component), self._step_above
            takes_frames = component is not None and component.inputs != "none"
            if takes_frames and above is not None and not self.item.get("inputs"):
                self._check_output_above(above, components)
                self.needs = [above.id]
            return
        needs = [needs] if isinstance(needs, str) else needs
        if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
            self._problem("needs must be a list of step ids: [<step id>, …]", "needs")
            return
        seen: set[str] = set()
        for position, need in enumerate(needs):
            if "," in need:
                text = f"needs contains {need!r}, which is one string; write a list: [{', '.join(_ID.findall(need))}]"
                self._problem(text, "needs", position)
            if need in seen:
                self._problem(f"needs contains {need!r} twice; remove one", "needs", position)
            seen.add(need)
        ids = [each for need in needs for each in (_ID.findall(need) if "," in need else [need])]
        self.needs = list(dict.fromkeys(ids))

    def _check_output_above(self, above: "StepCompiler", components: Mapping[str, Component]) -> None:
        """Report that the step above, which this step takes, has no output."""
        component = components.get(above.component)
        if component is None or component.produces_frame:
            return
        candidate: StepCompiler | None = above
        while candidate is not None and not _produces_frame(candidate, components):
            candidate = candidate._step_above
        need = candidate.id if candidate is not None else "<step id>"
        kind = "is a writer and has none" if "write" in component.modes else "has none"
        self._problem(
            f"step {self.id!r} has no needs, so it takes the output of the step above it, {above.id!r}, which {kind}; "
            f"add needs: [{need}]"
        )

    def _read_inputs(self) -> None:
        inputs = self.item.get("inputs")
        if inputs is None:
            return
        if not isinstance(inputs, dict):
            self._problem("inputs must be a mapping of name: step id", "inputs")
            return
        for name, value in inputs.items():
            ref = {"from_step": value} if isinstance(value, str) else value
            if not isinstance(ref, dict) or not isinstance(ref.get("from_step"), str):
                self._problem(
                    f"input {name!r} has no step; {_input_hint(str(name), ref)}", "inputs", str(name)
                )
                return
            self.inputs[str(name)] = InputRef(ref["from_step"], str(ref.get("key") or "df"))
        self.needs = list(dict.fromkeys([*self.needs, *(ref.from_step for ref in self.inputs.values())]))

    def _read_names(self, key: str, plural: str, singular: str) -> list[str]:
        """Return the list of names under a key of the step; a single text is one name."""
        value = self.item.get(key)
        if value is None or has_unresolved_parameter(value):
            return []
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            self._problem(f"{key} must be a list of {plural}: [<{singular}>, …]", key)
            return []
        if isinstance(value, str) and "," in value:
            text = f"{key} contains {value!r}, which is one string; write a list: [{', '.join(_ID.findall(value))}]"
            self._problem(text, key)
            return []
        return list(dict.fromkeys(names))

    def _read_timeout(self) -> None:
        value = self.item.get("timeout")
        if value is None or has_unresolved_parameter(value):
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_TIMEOUT_S:
            text = (
                f"invalid timeout {value!r}; write the seconds that the step may take, such as timeout: 600"
            )
            self._problem(text, "timeout")
            return
        self.timeout_s = float(value)

    def _read_memory(self) -> None:
        value = self.item.get("memory")
        if value is None or has_unresolved_parameter(value):
            return
        try:
            size = parse_bytes("" if isinstance(value, bool) else str(value), "memory")
        except SettingsError:
            size = 0
        if not MIN_MEMORY_BYTES <= size <= MAX_BYTES:
            text = (
                f"invalid memory {value!r}; write a size of {MIN_MEMORY_BYTES // 2**20} MiB or more, which a worker "
                "needs to start, such as memory: 2GB"
            )
            self._problem(text, "memory")
            return
        self.memory_bytes = size

    def _read_machine(self) -> None:
        value = self.item.get("machine")
        if value is None or has_unresolved_parameter(value):
            return
        entries = value if isinstance(value, dict) else {}
        cpus, name = entries.get("cpus", 1), entries.get("name", "any")
        is_valid = (
            type(cpus) is int and 0 < cpus <= _MAX_CPUS and isinstance(name, str) and _TAG.fullmatch(name)
        )
        if not entries or not entries.keys() <= {"cpus", "name"} or not is_valid:
            text = (
                f"invalid machine {value!r}; write the cores and the resource that a machine of a cluster must have, such as "
                "machine: {cpus: 4, name: gpu}"
            )
            self._problem(text, "machine")
            return
        self.machine = dict(entries)

    def _read_retry(self, component: Component | None) -> None:
        value = self.item.get("retry")
        if value is None or has_unresolved_parameter(value):
            return
        try:
            policy = parse_retry_policy(value)
        except ValueError as error:
            self._problem(f"invalid retry of step {self.id!r}: {error}", "retry")
            return
        self.retry = dict(value) if isinstance(value, Mapping) else {"attempts": value}
        if component is None or policy.attempts == 1 or policy.allows_not_repeatable:
            return
        if not component.is_repeatable({**component.defaults, **self.config}):
            self._problem(
                f"step {self.id!r} may write rows twice if it is retried{_repeatable_hint(component)}; "
                "retry: {not_repeatable: allow} retries it all the same",
                "retry",
            )

    def _check_tables(self, *, is_sql: bool) -> None:
        """Report inputs with the same table name; SQL ignores the case of ASCII letters."""
        section = "inputs" if self.inputs else "needs"
        keys: dict[str, str | int] = {name: name for name in self.inputs}
        keys = keys or {name: position for position, name in enumerate(self.needs)}
        first: dict[bytes, str] = {}
        for name, key in keys.items() if len(keys) > 1 else ():
            table = name if self.inputs else input_name(name)
            other = first.setdefault(table.encode().lower() if is_sql else table.encode(), name)
            if other != name:
                case = " because SQL ignores case" if input_name(other) != input_name(name) else ""
                text = (
                    f"{section} {other!r} and {name!r} are both the table {table!r}{case}; rename one of them"
                )
                self._problem(text, section, key)

    def _check_one_input(self, component: Component) -> None:
        count = len(self.inputs or self.needs)
        if count > 1 and not self.config.get("on_several_inputs"):
            text = f"step {self.id!r} has {count} inputs, but {component.name} takes one; join them in a step before it"
            if component.key("on_several_inputs"):
                text += ", or set on_several_inputs: append"
            self._problem(text, "needs")
        elif count == 0:
            self._problem(f"step {self.id!r} has no input; add a step to its needs")

    def _read_checks(self, component: Component | None) -> None:
        value = self.item["checks"]
        if has_unresolved_parameter(value):
            return
        self.checks, problems = read_checks(value, self._suggestions)
        for problem in problems:
            report = self._problem_at_key if problem.at_key else self._problem
            report(problem.message, "checks", *problem.path)
        if component is None or component.produces_frame:
            return
        count = len(self.inputs or self.needs)
        if count != 1:
            text = (
                f"step {self.id!r} produces no frame and has {count} inputs, so checks have no frame to check"
            )
            self._problem_at_key(f"{text}; move them to the steps that it needs", "checks")

    def _problem(self, text: str, *below: str | int) -> None:
        self._problems.append(self._document.problem(text, "steps", self.position, *below))

    def _problem_at_key(self, text: str, *below: str | int) -> None:
        self._problems.append(self._document.problem_at_key(text, "steps", self.position, *below))


def _produces_frame(step: StepCompiler, components: Mapping[str, Component]) -> bool:
    component = components.get(step.component)
    return component is not None and component.produces_frame


def _repeatable_hint(component: Component) -> str:
    """Return how to configure a component so that it can be retried; empty if it never can."""
    if isinstance(component.repeatable, bool):
        return ""
    key, values = component.repeatable
    return f"; set {key} to {' or '.join(map(str, values))}"


def _is_empty(value: Any) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and not value.strip())


def _value_of_type(value: Any, kind: type, default: Any) -> Any:
    return value if isinstance(value, kind) else default


def _input_hint(name: str, reference: object) -> str:
    """Return how an input without a step is written: a mapping has the keys from_step and key."""
    if not isinstance(reference, dict):
        return f"write {name}: <step id>"
    other = next((key for key in _STEP_WORDS if isinstance(reference.get(key), str)), None)
    if other is None:
        return f"write {name}: <step id>, or {name}: {{from_step: <step id>, key: df}}"
    key = f", key: {reference['key']}" if isinstance(reference.get("key"), str) else ""
    return f"the key {other!r} is called from_step: write {name}: {{from_step: {reference[other]}{key}}}"
