"""``${params.x}`` in a pipeline, filled in from the command line, the environment, a profile and the pipeline's defaults."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from osiris_inspect.model.errors import Problem
from osiris_inspect.runtime.pipeline.yaml_positions import PositionedDocument

PREFIX: Final = "OSIRIS_PARAM_"
"""The environment variable of parameter ``x`` is ``OSIRIS_PARAM_X``."""
DEFAULT_PROFILE: Final = "default"

_PARAMETER = re.compile(r"\$\{params\.([A-Za-z_][\w-]*)\}")


@dataclass(frozen=True, slots=True)
class CompileInputs:
    """What a pipeline is compiled with. The first of these that has a parameter decides its value.

    Attributes:
        params: from the command line.
        environment: variables; those called ``OSIRIS_PARAM_<NAME>`` count.
        profile: which of the pipeline's profiles; None for the one called ``default``, if there is one.
    """

    params: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None


def substitute_parameters(
    document: PositionedDocument, given: CompileInputs, problems: list[Problem]
) -> dict[str, Any]:
    """The pipeline with each parameter replaced; one that has no value is a problem at its place.

    Text that is nothing but one parameter becomes the parameter's value with its type; elsewhere its text.
    """
    declared = document.value.get("params")
    if declared is not None and not isinstance(declared, dict):
        problems.append(document.problem("params takes a map of name: default", "params"))
    declared = {str(name): spec for name, spec in declared.items()} if isinstance(declared, dict) else {}
    values = {name: _default(spec) for name, spec in declared.items()}
    values |= _of_profile(document, given.profile, declared, problems)
    values |= _of_environment(given.environment, declared)
    values |= {name: _typed(text, declared.get(name)) for name, text in given.params.items()}
    problems += [
        Problem(f"parameter {name!r} is given and the pipeline has none of that name", document.file)
        for name in given.params
        if name not in declared
    ]
    filled = _fill(document.value, (), document, values, problems)
    return filled if isinstance(filled, dict) else {}


def has_unresolved_parameter(value: Any) -> bool:
    """Whether a value still names a parameter that has none; that is said already."""
    return isinstance(value, str) and _PARAMETER.search(value) is not None


def env_name(name: str) -> str:
    """The environment variable that gives parameter ``name``."""
    return PREFIX + re.sub(r"\W", "_", name).upper()


def _default(spec: Any) -> Any:
    return spec.get("default") if isinstance(spec, dict) else spec


def _of_profile(
    document: PositionedDocument, wanted: str | None, declared: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    profiles = document.value.get("profiles")
    profiles = profiles if isinstance(profiles, dict) else {}
    name = wanted or DEFAULT_PROFILE
    if name not in profiles:
        if wanted is not None:
            there = ", ".join(map(str, profiles)) or "none"
            problems.append(document.problem(f"no profile {wanted!r}; the pipeline has {there}", "profiles"))
        return {}
    profile = profiles[name]
    params = profile.get("params", {}) if isinstance(profile, dict) else None
    if not isinstance(params, dict):
        problems.append(document.problem(f"profile {name!r} takes a map with params", "profiles", name))
        return {}
    problems += [
        document.problem_at_key(
            f"profile {name!r} sets parameter {param!r}, which the pipeline does not have",
            *("profiles", name, "params", str(param)),
        )
        for param in params
        if str(param) not in declared
    ]
    return {str(param): value for param, value in params.items()}


def _of_environment(environment: Mapping[str, str], declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _typed(environment[env_name(name)], spec)
        for name, spec in declared.items()
        if env_name(name) in environment
    }


def _typed(text: str, spec: Any) -> Any:
    """A value that came as text, in the type of the parameter's default: ``false`` for a switch is no text."""
    default = _default(spec)
    kind = spec.get("type") if isinstance(spec, dict) else None
    wants_more_than_text = isinstance(default, bool | int | float) or kind in _KINDS
    if not wants_more_than_text or kind == "string":
        return text
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # 2024-13-45 is no date, and no number either
        return text
    return value if isinstance(value, bool | int | float) else text


_KINDS = frozenset({"integer", "int", "number", "float", "boolean", "bool"})


def _fill(
    value: Any,
    path: tuple[str | int, ...],
    document: PositionedDocument,
    values: Mapping[str, Any],
    problems: list[Problem],
) -> Any:
    if isinstance(value, dict):
        return {
            key: item
            if path == () and key in ("params", "profiles")
            else _fill(item, (*path, str(key)), document, values, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_fill(item, (*path, place), document, values, problems) for place, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _PARAMETER.findall(value):
        if values.get(name) is None:
            text = (
                f"parameter {name!r} has no value; give --param {name}=…, {env_name(name)} "
                "or a default under params"
            )
            problems.append(document.problem(text, *path))
            return value
    whole = _PARAMETER.fullmatch(value)
    return values[whole[1]] if whole else _PARAMETER.sub(lambda match: str(values[match[1]]), value)
