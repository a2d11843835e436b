"""Drivers that return frames under several keys, or fail after they changed their inputs in place."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from tests.runtime.faulty import COMPONENTS

BIG_ROWS = 400_000


def frame(rows: int, start: int = 0) -> pd.DataFrame:
    """Values that do not compress."""
    values = np.random.default_rng(start).random(rows)
    return pd.DataFrame(
        {"id": range(start, start + rows), "value": values, "text": [f"t{v}" for v in values]}
    )


class Source:
    """Returns a frame under ``df`` and another one under ``data``."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        rows = int(config.get("rows") or 3)
        return {"df": frame(rows), "data": frame(rows, start=7)}


class Breaks:
    """Changes its inputs in place, then fails as its configuration says."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Any:
        for resolved in inputs.values():
            changed = resolved.to_pandas()
            changed["value"] = -1.0
            changed.loc[changed.index[0], "text"] = "changed"
            del changed["id"]
        return getattr(self, config["do"])()

    def raise_error(self) -> Any:
        raise ValueError("bad value")

    def no_frame(self) -> Any:
        return None

    def wrong_key(self) -> Any:
        return {"result": frame(1)}

    def sys_exit(self) -> Any:
        sys.exit(3)

    def memory_error(self) -> Any:
        raise MemoryError

    def hang(self) -> Any:
        while True:
            time.sleep(0.05)

    def hold_gil(self) -> Any:
        ctypes.PyDLL(None).sleep(300)

    def os_exit(self) -> Any:
        os._exit(7)

    def kill_9(self) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    def succeed(self) -> Any:
        return {"df": frame(1)}


def _component(name: str, driver: str, **more: Any) -> Component:
    keys = tuple(ConfigKey(key, "text", "for tests") for key in ("do", "rows"))
    return Component(
        name, "For tests.", f"tests.runtime.capturing:{driver}", keys=keys, produces_frame=True, **more
    )


CAPTURING: Mapping[str, Component] = {
    **COMPONENTS,
    "test.source": _component("test.source", "Source", modes=("read",), inputs="none"),
    "test.breaks": _component("test.breaks", "Breaks", modes=("transform",), inputs="many"),
}


def pipeline(do: str, rows: int = 3, more: str = "") -> str:
    """``broken`` has the two frames of ``source``; ``join`` needs ``side``, which runs after it, and is skipped."""
    return f"""\
oml_version: "0.1.0"
name: capture
steps:
  - {{id: source, component: test.source, config: {{rows: "{rows}"}}}}
  - {{id: early, component: test.source, config: {{rows: "2"}}}}
  - id: broken
    component: test.breaks
    inputs: {{df: source, other: {{from_step: source, key: data}}}}
    config: {{do: {do}}}
{more}  - {{id: side, component: test.breaks, needs: [early], config: {{do: succeed}}}}
  - id: join
    component: duckdb.processor
    needs: [broken, early, side]
    config: {{query: SELECT 1 AS one}}
"""
