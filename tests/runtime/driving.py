"""Drivers run alone, with what a worker would hand them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.protocol.cancellation import CancelToken

STORAGES: Mapping[str, SpillPolicy] = {"memory": SpillPolicy(), "spill": SpillPolicy(force_spill=True)}


def context(folder: Path, told: list[int] | None = None) -> drivers.DriverContext:
    """What a driver may use; ``told`` gets the rows it says are done."""
    artifacts = folder / "artifacts"
    artifacts.mkdir(exist_ok=True)
    return drivers.DriverContext(
        folder, artifacts, lambda name, value: None, (told if told is not None else []).append, CancelToken()
    )


def drive(
    name: str, config: Mapping[str, Any], ctx: drivers.DriverContext, **inputs: ResolvedInput
) -> dict[str, Any]:
    """One step of a component, with its defaults."""
    settled = {**all_components()[name].defaults, **config}
    result = dict(drivers.load_driver(name).run(step_id="s", config=settled, inputs=inputs, ctx=ctx) or {})
    if isinstance(result.get("df"), pa.RecordBatchReader):
        result["df"] = result["df"].read_all()
    return result


def handed(
    folder: Path, frame: Any, policy: SpillPolicy = STORAGES["memory"], step: str = "up"
) -> ResolvedInput:
    """A frame as the next step gets it."""
    store = FrameStore(folder, policy)
    store.put(step, {"df": frame})
    return store.resolve("s", "df", InputRef(step))
