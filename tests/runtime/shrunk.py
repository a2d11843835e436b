"""Drivers of runs whose failure is shrunk: a source of 13 columns, and steps that fail, hang or end on some rows."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from tests.runtime.faulty import COMPONENTS
from tests.runtime.shrink_cases import wide


class Source:
    """Returns a frame with one bad cell at 70 % of its rows."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        rows = int(config["rows"])
        frame = wide(rows)
        frame.loc[int(rows * 0.7), "v"] = "oops"
        return {"df": frame}


class Picky:
    """Fails on the bad cell; ``do`` says what happens to frames of some sizes, or how it fails."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        frame = inputs["df"].to_pandas()
        is_bad = "v" in frame and bool((frame["v"] == "oops").any())
        getattr(self, config["do"])(frame, is_bad, config)
        if config["do"] == "lost":
            return {"result": frame}
        if is_bad:
            raise ValueError("cannot convert 'oops'")
        return {"df": frame}

    def nothing(self, frame: Any, is_bad: bool, config: Mapping[str, Any]) -> None:
        pass

    lost = nothing

    def hang(self, frame: Any, is_bad: bool, config: Mapping[str, Any]) -> None:
        if 300 < len(frame) < 600 and not is_bad:
            time.sleep(60)

    def end(self, frame: Any, is_bad: bool, config: Mapping[str, Any]) -> None:
        if not is_bad:
            os._exit(7)

    def chance(self, frame: Any, is_bad: bool, config: Mapping[str, Any]) -> None:
        counter = Path(config["counter"])
        count = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.write_text(str(count))
        if count % 2 == 0:
            raise KeyError("another error")

    def memory(self, frame: Any, is_bad: bool, config: Mapping[str, Any]) -> None:
        raise MemoryError

    def slow(self, frame: Any, is_bad: bool, config: Mapping[str, Any]) -> None:
        if Path(config["counter"]).exists():
            time.sleep(30)


def _component(name: str, driver: str, **more: Any) -> Component:
    keys = tuple(ConfigKey(key, "text", "for tests") for key in ("do", "rows", "counter"))
    return Component(
        name, "For tests.", f"tests.runtime.shrunk:{driver}", keys=keys, produces_frame=True, **more
    )


SHRUNK: Mapping[str, Component] = {
    **COMPONENTS,
    "test.wide": _component("test.wide", "Source", modes=("read",), inputs="none"),
    "test.picky": _component("test.picky", "Picky", modes=("transform",), inputs="many"),
}


def picky(do: str, rows: int = 2000, counter: str = "") -> str:
    """A pipeline whose step ``broken`` fails on the frame of ``source``."""
    more = f", counter: {counter}" if counter else ""
    return _pipeline(rows, f"component: test.picky, config: {{do: {do}{more}}}")


def query(sql: str, rows: int = 2000, more: str = "") -> str:
    """A pipeline whose step ``broken`` is a query."""
    return _pipeline(rows, f'component: duckdb.processor, config: {{query: "{sql}"}}{more}')


def _pipeline(rows: int, step: str) -> str:
    return f"""\
oml_version: "0.1.0"
name: shrunk
steps:
  - {{id: source, component: test.wide, config: {{rows: "{rows}"}}}}
  - {{id: broken, needs: [source], {step}}}
"""
