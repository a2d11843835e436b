"""Substitution of ``${params.x}`` from command line, environment, profile and the pipeline's defaults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from osiris_inspect.base.bounded_yaml import load_yaml
from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.model.errors import Problem
from osiris_inspect.runtime.pipeline.yaml_positions import KeyPath, PositionedDocument

PREFIX: Final = "OSIRIS_PARAM_"
"""Prefix of environment variables: parameter ``x`` is read from ``OSIRIS_PARAM_X``."""
DEFAULT_PROFILE: Final = "default"

_PARAMETER = re.compile(r"\$\{params\.([A-Za-z_][\w-]*)\}")
_PLACEHOLDER = re.compile(r"\$?\{\{[^{}]*\}\}|\$\{[^{}]*\}|(?<![^/])\$[A-Za-z_]\w*(?=/|\Z)")
"""Placeholders of shells and templates: ``${X}``, ``{{ x }}``, ``${{ x }}``, and ``$X`` between slashes."""
_NAME = re.compile(r"\W*(?:\w{1,50}\.)*([A-Za-z_][\w-]*)")


@dataclass(frozen=True, slots=True)
class CompileInputs:
    """Parameters for compiling a pipeline, in descending priority.

    Attributes:
        params: parameters of the command line.
        environment: environment variables; ``OSIRIS_PARAM_<NAME>`` sets a parameter.
        profile: profile of the pipeline; None for ``default``, if it exists.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class _Parameters:
    """Parameters of a pipeline: as declared, and their values."""

    declared: Mapping[str, Any]
    values: Mapping[str, Any]
    suggestions: Suggestions

    def advice(self, name: str) -> str:
        """Return what to do about an undeclared parameter."""
        near = self.suggestions.near_names(name, tuple(self.declared))
        declaration = _declaration(name, self.declared)
        return f"did you mean {near[0]!r}? If not, {declaration}" if near else declaration


def substitute_parameters(
    document: PositionedDocument, inputs: CompileInputs, problems: list[Problem]
) -> dict[str, Any]:
    """Return the pipeline with its parameters substituted; append a problem for each without a value.

    Text that consists of one parameter becomes its typed value; otherwise its text is inserted.
    """
    declared = document.value.get("params")
    if declared is not None and not isinstance(declared, dict):
        problems.append(document.problem("params must be a mapping of name: default", "params"))
    declared = {str(name): spec for name, spec in declared.items()} if isinstance(declared, dict) else {}
    values = {name: _default(spec) for name, spec in declared.items()}
    values |= _profile_values(document, inputs.profile, declared, problems)
    values |= {
        name: _typed(inputs.environment[env_name(name)], spec)
        for name, spec in declared.items()
        if env_name(name) in inputs.environment
    }
    values |= {name: _typed(text, declared.get(name)) for name, text in inputs.params.items()}
    known = _Parameters(declared, values, Suggestions())
    problems += [
        Problem(f"unknown parameter {name!r}; {known.advice(name)}", document.file)
        for name in inputs.params
        if name not in declared
    ]
    filled = _fill(document.value, (), document, known, problems)
    return filled if isinstance(filled, dict) else {}


def set_from_outside(document: PositionedDocument, inputs: CompileInputs) -> dict[str, str]:
    """Return the declared parameters that the environment or the command line sets."""
    declared = document.value.get("params")
    names = map(str, declared) if isinstance(declared, dict) else ()
    by_environment = {name: inputs.environment.get(env_name(name)) for name in names}
    return {name: text for name, text in by_environment.items() if text is not None} | dict(inputs.params)


def has_unresolved_parameter(value: Any) -> bool:
    """Return True if a value contains a parameter without a value, which was already reported."""
    return isinstance(value, str) and _PARAMETER.search(value) is not None


def placeholder_error(text: str, declared: Any) -> str | None:
    """Return the error of a text with a placeholder that is not substituted; None if it has none."""
    placeholder = _PLACEHOLDER.search(text)
    if placeholder is None:
        return None
    match = _NAME.match(placeholder[0])
    name = match[1] if match else "<name>"
    is_declared = isinstance(declared, dict) and name in map(str, declared)
    advice = "" if is_declared else f", and {_declaration(name, declared)}"
    return f"{placeholder[0]!r} is not substituted; write ${{params.{name}}}{advice}"


def _declaration(name: str, declared: Any) -> str:
    if isinstance(declared, dict) and declared:
        return f"add {name}: <default> under params of the pipeline"
    return f"add params: {{{name}: <default>}} to the pipeline"


def env_name(name: str) -> str:
    """Return the environment variable of parameter ``name``."""
    return PREFIX + re.sub(r"\W", "_", name).upper()


def _default(spec: Any) -> Any:
    return spec.get("default") if isinstance(spec, dict) else spec


def _profile_values(
    document: PositionedDocument, profile: str | None, declared: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    profiles = document.value.get("profiles")
    profiles = profiles if isinstance(profiles, dict) else {}
    name = profile or DEFAULT_PROFILE
    if name not in profiles:
        if profile is not None:
            known = ", ".join(map(str, profiles)) or "none"
            problems.append(
                document.problem(f"unknown profile {profile!r}; the pipeline has {known}", "profiles")
            )
        return {}
    content = profiles[name]
    params = content.get("params", {}) if isinstance(content, dict) else None
    if not isinstance(params, dict):
        problems.append(document.problem(f"profile {name!r} must be a mapping with params", "profiles", name))
        return {}
    problems += [
        document.problem_at_key(
            f"profile {name!r} sets unknown parameter {param!r}; declare it under params",
            *("profiles", name, "params", str(param)),
        )
        for param in params
        if str(param) not in declared
    ]
    return {str(param): value for param, value in params.items()}


def _typed(text: str, spec: Any) -> Any:
    """Return a text value in the type of the parameter's default."""
    default = _default(spec)
    kind = spec.get("type") if isinstance(spec, dict) else None
    if kind == "string" or not (isinstance(default, bool | int | float) or kind in _KINDS):
        return text
    try:
        value = load_yaml(text.encode())
    except (yaml.YAMLError, ValueError):  # such as 2024-13-45
        return text
    return value if isinstance(value, bool | int | float) else text


_KINDS = frozenset({"integer", "int", "number", "float", "boolean", "bool"})


def _fill(
    value: Any,
    path: KeyPath,
    document: PositionedDocument,
    known: _Parameters,
    problems: list[Problem],
) -> Any:
    if isinstance(value, dict):
        return {
            key: item
            if path == () and key in ("params", "profiles")
            else _fill(item, (*path, str(key)), document, known, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _fill(item, (*path, position), document, known, problems) for position, item in enumerate(value)
        ]
    if not isinstance(value, str):
        return value
    values = known.values
    for name in _PARAMETER.findall(value):
        if values.get(name) is None:
            text = (
                f"parameter {name!r} has no value; set --param {name}=…, {env_name(name)} or a default under params"
                if name in values
                else f"parameter {name!r} is not declared; {known.advice(name)}"
            )
            problems.append(document.problem(text, *path))
            return value
    parameter = _PARAMETER.fullmatch(value)
    return values[parameter[1]] if parameter else _PARAMETER.sub(lambda match: str(values[match[1]]), value)
