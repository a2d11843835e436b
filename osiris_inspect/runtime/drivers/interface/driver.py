"""Drivers: what runs a step. A module a family, imported when a step asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from osiris_inspect.model.errors import DriverNotFound
from osiris_inspect.runtime.pipeline import builtin_components as built_in
from osiris_inspect.runtime.protocol.cancellation import CancelToken

if TYPE_CHECKING:
    from osiris_inspect.runtime.frames.resolved_input import ResolvedInput


@dataclass(frozen=True, slots=True)
class DriverContext:
    """What a driver may use beside its configuration and inputs.

    Attributes:
        base: the folder that relative paths of the pipeline start from.
        artifacts: the step's own folder in the run directory; it exists.
        metric: write a metric of this step: name and number.
        progress: say how many rows are done so far; shows in heartbeats.
        stop: where a driver names what interrupts a long call.
    """

    base: Path
    artifacts: Path
    metric: Callable[[str, float], None]
    progress: Callable[[int], None]
    cancel: CancelToken


class Driver(Protocol):
    """Runs one step.

    Inputs come as handles: a driver that speaks Arrow or SQL need not load a frame to use it. An extractor or a
    processor returns ``{"df": frame}``, a pandas frame or an Arrow table; a writer returns ``{"rows_written": n}``.
    What a driver raises fails its step and nothing else; a frame it was handed is never changed for others.
    """

    def run(
        self,
        *,
        step_id: str,
        config: Mapping[str, Any],
        inputs: Mapping[str, "ResolvedInput"],
        ctx: DriverContext,
    ) -> Mapping[str, Any] | None:
        """Do the step's work."""


def load_driver(name: str) -> Driver:
    """The driver of a component.

    Raises:
        DriverNotFound: there is no such component; the message names those there are.
    """
    component = built_in.all_components().get(name)
    if component is None:
        there_are = ", ".join(sorted(built_in.all_components()))
        raise DriverNotFound(f"no driver {name!r}; there are {there_are}")
    module, _, attribute = component.driver.partition(":")
    driver: Driver = getattr(import_module(module), attribute)()
    return driver


def produces_frame(name: str) -> bool:
    """Whether a step of that component must end with a frame."""
    component = built_in.all_components().get(name)
    return component is not None and component.produces_frame
