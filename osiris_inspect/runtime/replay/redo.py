"""Calls the driver of a step in this process on frames in memory, without a run directory."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.protocol.cancellation import CancelToken


def run_driver(
    component: str | Component,
    config: Mapping[str, Any],
    inputs: Mapping[str, Any],
    *,
    base: Path | None = None,
) -> Any:
    """Return the frame that a processor returns for these input frames; ``base`` is the folder of the pipeline.

    Raises:
        SettingsError: it is not a processor: it would read or write outside of this process.
        Exception: the driver failed.
    """
    if isinstance(component, str):
        component = all_components()[component]
    if not component.produces_frame or component.inputs == "none":
        raise SettingsError(
            f"{component.name} reads or writes outside of this process",
            fix="run it with osiris-inspect replay and --allow-writes",
        )
    module, _, attribute = component.driver.partition(":")
    driver = getattr(import_module(module), attribute)()
    settled = {**component.defaults, **config}
    settled = {key: value for key, value in settled.items() if key not in ("component", "mode", "connection")}
    with (
        TemporaryDirectory(prefix="osiris-redo-") as folder,
        FrameStore(Path(folder), SpillPolicy()) as store,
    ):
        resolved = {}
        for name, frame in inputs.items():
            store.put(name, {"df": frame})
            resolved[name] = store.resolve("step", name, InputRef(name))
        ctx = DriverContext(
            base or Path.cwd(), Path(folder), lambda _name, _value: None, lambda _rows: None, CancelToken()
        )
        result = driver.run(step_id="step", config=settled, inputs=resolved, ctx=ctx)
        frame = result.get("df") if isinstance(result, Mapping) else None
        if isinstance(frame, pa.RecordBatchReader):
            frame = frame.read_all()
        return frame.to_pandas() if isinstance(frame, pa.Table) else frame
