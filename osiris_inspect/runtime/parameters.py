"""``${params.x}`` in a pipeline, filled in from the command line and the pipeline's own defaults."""

import re
from collections.abc import Mapping
from typing import Any

from osiris_inspect.model.errors import Problem
from osiris_inspect.runtime.located import Located

_PARAMETER = re.compile(r"\$\{params\.([A-Za-z_][\w-]*)\}")


def fill(document: Located, given: Mapping[str, str], problems: list[Problem]) -> dict[str, Any]:
    """The pipeline with each parameter replaced; one that has no value is a problem at its place.

    Text that is nothing but one parameter becomes the parameter's value with its type; elsewhere its text.
    """
    declared = document.value.get("params")
    declared = declared if isinstance(declared, dict) else {}
    values = {str(name): _default(spec) for name, spec in declared.items()} | dict(given)
    problems += [
        Problem(f"parameter {name!r} is given and the pipeline has none of that name", document.file)
        for name in given
        if name not in declared
    ]
    filled = _fill(document.value, (), document, values, problems)
    return filled if isinstance(filled, dict) else {}


def _default(spec: Any) -> Any:
    return spec.get("default") if isinstance(spec, dict) else spec


def _fill(
    value: Any,
    path: tuple[str | int, ...],
    document: Located,
    values: Mapping[str, Any],
    problems: list[Problem],
) -> Any:
    if isinstance(value, dict):
        return {
            key: item
            if path == () and key == "params"
            else _fill(item, (*path, str(key)), document, values, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_fill(item, (*path, place), document, values, problems) for place, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for name in _PARAMETER.findall(value):
        if values.get(name) is None:
            text = f"parameter {name!r} has no value; give --param {name}=… or a default under params"
            problems.append(document.problem(text, *path))
            return value
    whole = _PARAMETER.fullmatch(value)
    return values[whole[1]] if whole else _PARAMETER.sub(lambda match: str(values[match[1]]), value)
