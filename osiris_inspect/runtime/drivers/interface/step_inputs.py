"""Inputs of a step as its driver receives them."""

from collections.abc import Sequence

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput


class InputNameUnknown(DriverError, KeyError):
    """A driver used a name that no input has; also a ``KeyError``, as for any mapping."""

    kind = "input-name-mismatch"

    def __init__(self, name: object, names: Sequence[str]) -> None:
        if len(names) == 1:
            fix = f"use inputs[{names[0]!r}] in the driver"
        else:
            fix = suggestion(str(name), names, "use one of these names, or name the step in needs")
        super().__init__(
            f"the step has no input {name!r}; its inputs are: {', '.join(map(repr, names)) or 'none'}",
            fix=fix,
            input=str(name),
            inputs=list(names),
        )

    __str__ = Exception.__str__  # KeyError's would quote the message


class StepInputs(dict[str, ResolvedInput]):
    """Inputs by name; an unknown name raises an error that lists the names."""

    def __missing__(self, name: object) -> ResolvedInput:
        raise InputNameUnknown(name, list(self))
