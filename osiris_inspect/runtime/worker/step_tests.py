"""Runs the driver of a step many times on parts of its inputs, which stay in memory.

Nothing is recorded and no result is stored; only the failure of each run is of interest.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.manifest import InputRef, Step
from osiris_inspect.runtime.drivers.interface import driver as drivers
from osiris_inspect.runtime.drivers.interface.step_inputs import StepInputs
from osiris_inspect.runtime.frames import stream
from osiris_inspect.runtime.frames.conversion.frame import plan_frame
from osiris_inspect.runtime.frames.driver_result import (
    FRAME_KEY,
    missing_frame_error,
    missing_frame_reason,
)
from osiris_inspect.runtime.frames.frame_part import Frame, FramePart, from_ranges
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput
from osiris_inspect.runtime.frames.store import FrameStore, stream_error


class StepTests:
    """Frames of the steps that are tested, and their runs."""

    def __init__(self, store: FrameStore) -> None:
        self._store = store
        self._frames: dict[InputRef, Frame] = {}
        self._changed: dict[InputRef, Frame] = {}

    def resolve(self, step: Step, requested: Mapping[str, Mapping[str, Any]]) -> StepInputs:
        """Return the requested parts of the inputs of a step.

        An entry has ``from_step`` and ``key`` as for a run, ``rows`` as ranges and ``columns`` as positions, and with
        ``frame`` the key of another frame that replaces the input.

        Raises:
            InputNotFound: a frame is not on disk.
        """
        inputs, changed = StepInputs(), {}
        for name, entry in requested.items():
            ref = InputRef(entry["from_step"], entry.get("key") or FRAME_KEY)
            if entry.get("frame"):
                other = InputRef(ref.from_step, entry["frame"])
                frame = changed[other] = self._load(step, name, other, self._changed)
            else:
                frame = self._frames[ref] = self._load(step, name, ref, self._frames)
            part = FramePart.whole(frame)
            if entry.get("rows") is not None:
                part = part.with_rows(from_ranges(entry["rows"]))
            if entry.get("columns") is not None:
                part = part.with_columns(from_ranges(entry["columns"]))
            taken = part.take()
            inputs[name] = ResolvedInput.in_memory(ref, taken, plan_frame(taken), (), "")
        self._changed = changed
        return inputs

    def _load(self, step: Step, name: str, ref: InputRef, loaded: Mapping[InputRef, Frame]) -> Frame:
        return loaded[ref] if ref in loaded else self._store.resolve(step.id, name, ref).to_frame()

    def run(
        self,
        step: Step,
        driver: drivers.Driver,
        config: Mapping[str, Any],
        inputs: StepInputs,
        ctx: drivers.DriverContext,
    ) -> None:
        """Run the driver, read its frame, and check it as after a run.

        Raises:
            BaseException: the failure of the step.
        """
        result = driver.run(step_id=step.id, config=config, inputs=inputs, ctx=ctx)
        if missing_frame_reason(result) or result is None:
            raise missing_frame_error(step.id, step.driver, result)
        frame = result[FRAME_KEY]
        if isinstance(frame, pa.RecordBatchReader):
            try:
                frame = stream.BatchStream(frame.schema, stream.wrap_errors(frame)).table()
            except stream.StreamSourceError as error:
                raise stream_error(step.id, error) from error.cause
        plan = plan_frame(frame)
        for _ in plan.slices():  # a value that cannot be stored fails here
            pass
        if step.checks:
            from osiris_inspect.runtime.drivers.step_checks.checker import check_frame, failed_error

            resolved = ResolvedInput.in_memory(InputRef(step.id), frame, plan, (), "")
            with drivers.errors_name_step(step.id):
                results = check_frame(step.checks, resolved, ctx.artifacts / ".checks", ctx.cancel).results
            if step.checks.get("on_failure") != "warn" and not all(each.passed for each in results):
                raise failed_error(step.id, results, layout.failed_checks_path(step.id))
