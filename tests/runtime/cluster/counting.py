"""A driver that counts its runs in a file outside of every run directory."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from tests.runtime import faulty


class Counting:
    """Appends ``begin STEP`` and ``end STEP`` to a file, and waits in between."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        count_line(Path(config["file"]), f"begin {step_id}")
        until = time.monotonic() + float(config.get("seconds") or 0)
        while time.monotonic() < until and not Path(config["file"] + ".go").exists():
            time.sleep(0.02)
        count_line(Path(config["file"]), f"end {step_id}")
        return {"df": pd.DataFrame({"n": [1, 2, 3]})}


class CountingWriter(Counting):
    """The same, without a frame."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        super().run(step_id=step_id, config=config, inputs=inputs, ctx=ctx)
        return {"rows_written": 3}


def count_line(file: Path, text: str) -> None:
    """Append a line in one write."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def counts(file: Path) -> list[str]:
    """The lines so far."""
    return file.read_text().splitlines() if file.exists() else []


_COUNT = Component(
    name="test.count",
    summary="Counts its runs.",
    driver="tests.runtime.cluster.counting:Counting",
    modes=("read", "transform"),
    keys=(ConfigKey("file", "text", "for tests", required=True), ConfigKey("seconds", "number", "for tests")),
    inputs="many",
    produces_frame=True,
    repeatable=True,
)
_APPEND = replace(
    _COUNT,
    name="test.append",
    driver="tests.runtime.cluster.counting:CountingWriter",
    modes=("write",),
    produces_frame=False,
    repeatable=False,
)
COMPONENTS: Mapping[str, Component] = {**faulty.COMPONENTS, "test.count": _COUNT, "test.append": _APPEND}


def pipeline(file: Path, *steps: str) -> str:
    """A pipeline; a step is ``id component needs,needs seconds``, ``-`` for no needs."""
    text = 'oml_version: "0.1.0"\nname: counted\nsteps:\n'
    for step in steps:
        name, component, needs, seconds = step.split()
        text += f"  - id: {name}\n    component: test.{component}\n"
        text += f"    needs: [{needs.strip('-')}]\n"
        text += f"    config: {{file: {file}, seconds: {seconds}}}\n"
    return text
