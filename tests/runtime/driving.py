"""Drivers run alone, with what a worker would hand them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.frames.resolved_input import Resolved
from osiris_inspect.runtime.frames.store import FrameStore, Policy
from osiris_inspect.runtime.pipeline.builtin_components import known
from osiris_inspect.runtime.protocol.cancellation import Stop

STORAGES: Mapping[str, Policy] = {"memory": Policy(), "spill": Policy(force_spill=True)}


def context(folder: Path, told: list[int] | None = None) -> drivers.Context:
    """What a driver may use; ``told`` gets the rows it says are done."""
    artifacts = folder / "artifacts"
    artifacts.mkdir(exist_ok=True)
    return drivers.Context(
        folder, artifacts, lambda name, value: None, (told if told is not None else []).append, Stop()
    )


def drive(name: str, config: Mapping[str, Any], ctx: drivers.Context, **inputs: Resolved) -> dict[str, Any]:
    """One step of a component, with its defaults."""
    settled = {**known()[name].defaults, **config}
    result = dict(drivers.load(name).run(step_id="s", config=settled, inputs=inputs, ctx=ctx) or {})
    if isinstance(result.get("df"), pa.RecordBatchReader):
        result["df"] = result["df"].read_all()
    return result


def handed(folder: Path, frame: Any, policy: Policy = STORAGES["memory"], step: str = "up") -> Resolved:
    """A frame as the next step gets it."""
    store = FrameStore(folder, policy)
    store.put(step, {"df": frame})
    return store.resolve("s", "df", InputRef(step))
