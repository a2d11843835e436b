"""A step on its way from YAML to the manifest: what it is called, what it needs, and what is wrong with it."""

import re
from collections.abc import Mapping
from typing import Any

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import Problem
from osiris_inspect.model.manifest import InputRef, Step, input_name
from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.pipeline import json_values as plain
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.pipeline.parameters import has_unresolved_parameter
from osiris_inspect.runtime.pipeline.yaml_positions import Position, PositionedDocument

_STEP_KEYS = ("id", "component", "mode", "needs", "inputs", "config", "description")
SQL = "duckdb.processor"
"""The component whose inputs are tables."""
_MODES = ("read", "transform", "write")
_OLD_MODES = {"extract": "read", "load": "write"}
"""What pipelines of the original also call a mode."""
_REFERENCE = re.compile(r"@([\w-]+)(?:\.([\w-]+))?")


class StepCompiler:
    """One step of a pipeline, with parameters filled in.

    Attributes:
        place: its place in ``steps``, from 0.
        needs, inputs: filled by ``check``.
    """

    def __init__(self, document: PositionedDocument, position: int, item: Mapping[str, Any]) -> None:
        self.position, self.item = position, item
        self.id: str = _of_type(item.get("id"), str, "")
        self.component: str = _of_type(item.get("component"), str, "")
        self.config: dict[str, Any] = _of_type(item.get("config"), dict, {})
        self.needs: list[str] = []
        self.inputs: dict[str, InputRef] = {}
        self._document = document
        self._problems: list[Problem] = []

    @property
    def line(self) -> int:
        """Its line in the pipeline file."""
        return self._document.positions[("steps", self.position)][0]

    def check(
        self, previous_step: "StepCompiler | None", components: Mapping[str, Component]
    ) -> list[Problem]:
        """Read the step and give all that is wrong with it alone. ``before`` is the step written before it."""
        for name in map(str, self.item):
            if name not in _STEP_KEYS:
                self._problem_at_key(
                    f"unknown key {name!r} in step {self.id!r}{did_you_mean(name, _STEP_KEYS)}", name
                )
        component = components.get(self.component)
        if component is None:
            self._problem(self._unknown_component(components), "component")
        else:
            self._check_mode(component)
            self._check_config(component)
        self._parse_needs(previous_step, component)
        self._read_inputs()
        self._check_tables(is_sql=component is not None and component.name == SQL)
        if component is not None and component.inputs == "one":
            self._check_one_input(component)
        return self._problems

    def step(self) -> Step:
        """The step as the manifest has it."""
        return Step(
            id=self.id,
            driver=self.component,
            cfg_path=layout.config_path(self.id),
            needs=tuple(self.needs),
            inputs=self.inputs,
            component=self.component,
            line=self.line,
        )

    def config_with_defaults(self, component: Component) -> dict[str, Any]:
        """Its configuration, the component's defaults filled in."""
        written = {name: value for name, value in self.config.items() if not _means_nothing(component, name)}
        return {**component.defaults, **written, "component": component.name, "mode": self._mode(component)}

    @property
    def connection_place(self) -> Position:
        """Where the pipeline names its connection; where the step stands if it names none."""
        above = ("steps", self.position)
        return (
            self._document.positions.get((*above, "config", "connection")) or self._document.positions[above]
        )

    def _mode(self, component: Component) -> str:
        mode = self.item.get("mode") or component.modes[0]
        return _OLD_MODES.get(str(mode), str(mode))

    def _unknown_component(self, components: Mapping[str, Component]) -> str:
        known = f"; known are {', '.join(sorted(components))}"
        if not self.component:
            return "component is missing" + known
        return f"unknown component {self.component!r}" + (
            did_you_mean(self.component, tuple(components)) or known
        )

    def _check_mode(self, component: Component) -> None:
        mode = self.item.get("mode")
        if mode is None or self._mode(component) in component.modes:
            return
        takes = f"{component.name} takes {' or '.join(component.modes)}"
        if mode in _MODES:
            self._problem(f"{component.name} cannot be used in mode {mode!r}; {takes}", "mode")
        else:
            self._problem(f"unknown mode {mode!r}{did_you_mean(str(mode), _MODES)}; {takes}", "mode")

    def _check_config(self, component: Component) -> None:
        if not isinstance(self.item.get("config", {}), dict):
            self._problem(f"config of step {self.id!r} is no map", "config")
            return
        for name, value in self.config.items():
            wrong = tuple(plain.not_json_safe(name, value))
            for text, below in wrong:
                self._problem(text, "config", name, *below)
            if wrong:
                pass  # it is said already, and better than by its type
            elif name == "connection" and component.family is not None:
                self._check_connection(component.family, component.name, value)
            else:
                self._check_entry(component, str(name), value)
        settled = {**component.defaults, **self.config}
        for key in component.keys:
            if key.is_required_with(settled) and _is_empty(self.config.get(key.name)):
                because = f" with {_why(key, settled)}" if key.required_when else ""
                text = f"{component.name} needs {key.name!r} in the config of step {self.id!r}{because}: {key.description}"
                self._problem(text, "config")

    def _check_connection(self, family: str, component: str, value: Any) -> None:
        if has_unresolved_parameter(value):
            return
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            text = f"connection is {value!r}; write @{family}.<alias>, or @{family} for the default one"
            self._problem(text, "config", "connection")
        elif found[1] != family:
            text = f"connection {value!r} is of family {found[1]!r}, and {component} takes one of family {family!r}"
            self._problem(text, "config", "connection")

    def _check_entry(self, component: Component, name: str, value: Any) -> None:
        key = component.key(name)
        if key is None:
            names = tuple(known.name for known in component.keys if not known.ignored)
            names = (*names, "connection") if component.family else names
            hint = did_you_mean(name, names) or "; it has " + ", ".join(names)
            self._problem_at_key(f"{component.name} has no key {name!r}{hint}", "config", name)
        elif value is None or has_unresolved_parameter(value):
            return
        elif (problem := key.validation_error(value)) is not None:
            self._problem(problem, "config", name)
        if isinstance(value, str) and (is_secret_key(name) if key is None else key.is_secret):
            text = f"a secret stands in the pipeline, in {name!r}; put it into a connection and name that as @family.alias"
            self._problem(text, "config", name)

    def _parse_needs(self, previous_step: "StepCompiler | None", component: Component | None) -> None:
        needs = self.item.get("needs")
        if needs is None:
            takes_frames = component is not None and component.inputs != "none"
            if takes_frames and previous_step is not None and not self.item.get("inputs"):
                self.needs = [previous_step.id]
            return
        needs = [needs] if isinstance(needs, str) else needs
        if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
            self._problem("needs takes a list of step ids", "needs")
            return
        for place, need in enumerate(needs):
            if need in needs[:place]:
                self._problem(f"needs names {need!r} twice", "needs", place)
        self.needs = list(dict.fromkeys(needs))

    def _read_inputs(self) -> None:
        inputs = self.item.get("inputs")
        if inputs is None:
            return
        if not isinstance(inputs, dict):
            self._problem("inputs takes a map of name: step id", "inputs")
            return
        for name, value in inputs.items():
            ref = {"from_step": value} if isinstance(value, str) else value
            if not isinstance(ref, dict) or not isinstance(ref.get("from_step"), str):
                self._problem(f"input {name!r} names no step; write {name}: <step id>", "inputs", str(name))
                return
            self.inputs[str(name)] = InputRef(ref["from_step"], str(ref.get("key") or "df"))
        named = [ref.from_step for ref in self.inputs.values()]
        self.needs = list(dict.fromkeys([*self.needs, *named]))

    def _check_tables(self, *, is_sql: bool) -> None:
        """No two inputs under one name; in SQL ``a`` and ``A`` are one. Outside ASCII it does tell them apart."""
        above = "inputs" if self.inputs else "needs"
        places: dict[str, str | int] = {name: name for name in self.inputs}
        places = places or {name: place for place, name in enumerate(self.needs)}
        first: dict[bytes, str] = {}
        for name, place in places.items() if len(places) > 1 else ():
            table = name if self.inputs else input_name(name)
            same = table.encode().lower() if is_sql else table.encode()
            other = first.setdefault(same, name)
            if other != name:
                text = f"{above} has {other!r} and {name!r}, which are both the table {table!r}"
                why = " in SQL, where a and A are one" if input_name(other) != input_name(name) else ""
                self._problem(f"{text}{why}; rename one of them", above, place)

    def _check_one_input(self, component: Component) -> None:
        given = len(self.inputs or self.needs)
        if given > 1 and not self.config.get("on_several_inputs"):
            text = f"would get {given} frames and {component.name} takes one; join them in a step before it"
            if component.key("on_several_inputs"):
                text += ", or set on_several_inputs: append"
            self._problem(f"step {self.id!r} {text}", "needs")
        elif given == 0:
            self._problem(f"step {self.id!r} gets no frame; name a step in its needs")

    def _problem(self, text: str, *below: str | int) -> None:
        self._problems.append(self._document.problem(text, "steps", self.position, *below))

    def _problem_at_key(self, text: str, *below: str | int) -> None:
        self._problems.append(self._document.problem_at_key(text, "steps", self.position, *below))


def _why(key: ConfigKey, config: Mapping[str, Any]) -> str:
    assert key.required_when is not None  # noqa: S101  only asked for such keys
    other = key.required_when[0]
    return f"{other}: {config[other]}"


def _means_nothing(component: Component, name: str) -> bool:
    key = component.key(name)
    return key is not None and key.ignored


def _is_empty(value: Any) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and not value.strip())


def _of_type(value: Any, kind: type, otherwise: Any) -> Any:
    return value if isinstance(value, kind) else otherwise
