"""Keeps on disk the inputs of steps that failed or cannot run, so that they can be run again."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from osiris_inspect.model import manifest
from osiris_inspect.model.errors import SpillCorrupt, SpillFailed
from osiris_inspect.model.manifest import InputRef, Manifest
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile
from osiris_inspect.runtime.frames.store import FrameStore
from osiris_inspect.runtime.settings import CaptureMode

EmitStepEvent = Callable[[str, Mapping[str, Any], str | None], None]

_FAILED: Final = "input of the failed step"
_NOT_RUN: Final = "input of a step that did not run"


class FrameCapture:
    """Writes frames of one run to disk and reports each once, as ``frame_captured`` or ``capture_missed``.

    Thread-safe: while a driver hangs in its thread, another one can capture its inputs.
    """

    def __init__(
        self, plan: Manifest, store: FrameStore, emit: EmitStepEvent, mode: CaptureMode, *, keep_frames: bool
    ) -> None:
        self._plan, self._store, self._emit = plan, store, emit
        self._mode, self._keep_frames = mode, keep_frames
        self._inputs = {step.id: manifest.bind_inputs(step) for step in plan.steps}
        self._failed: set[str] = set()
        self._not_run: set[str] = set()
        self._reported: set[tuple[str, str]] = set()
        self._lock = threading.RLock()

    def before_step(self, step: str) -> None:
        """Write the inputs of a step before its driver starts, if they are always captured."""
        if self._mode != "always":
            return
        for ref in self._inputs[step].values():
            # a failure is reported if the step fails
            self._write(ref, f"input of step {step!r}, before it starts")

    def after_failure(self, step: str) -> None:
        """Capture the inputs of a failed step, and those of the steps that cannot run because of it."""
        with self._lock:
            self._failed.add(step)
            self._capture()

    def after_success(self, step: str) -> None:
        """Capture the frame of a step if a step that cannot run needs it, or if every frame is kept."""
        if self._keep_frames:
            self._write(InputRef(step), "kept for later runs")
        with self._lock:
            self._failed.discard(step)
            if self._failed:
                self._capture()

    def after_last_step(self, not_run: Iterable[str]) -> None:
        """Capture the inputs of the steps that were not run."""
        with self._lock:
            self._not_run.update(not_run)
            self._capture()

    def _capture(self) -> None:
        if self._mode == "never":
            return
        blocked = {each for step in self._failed for each in self._plan.downstream(step)} | self._not_run
        for step in self._plan.steps:
            if step.id in self._failed or step.id in blocked:
                for name, ref in self._inputs[step.id].items():
                    if (step.id, name) not in self._reported:
                        self._capture_input(step.id, name, ref)

    def _capture_input(self, step: str, name: str, ref: InputRef) -> None:
        has_failed = step in self._failed
        why = _FAILED if has_failed else _NOT_RUN
        event_fields: dict[str, Any] = {"step": step, "input": name, "from_step": ref.from_step}
        result = self._write(ref, f"input of failed step {step!r}" if has_failed else f"{why}: {step!r}")
        if result is None and not has_failed:
            return  # the step that produces the frame may still run
        self._reported.add((step, name))
        if isinstance(result, SpillFile):
            event_fields |= {"path": result.path, "bytes": result.bytes, "why": why}
            self._emit("frame_captured", event_fields, step)
            return
        event_fields |= {"bytes": None, "why": why, "reason": "no frame"}
        if result is not None:
            size = getattr(result, "facts", {}).get("bytes")
            event_fields |= {"bytes": size, "reason": "disk refused", "error": str(result)}
        self._emit("capture_missed", event_fields, step)

    def _write(self, ref: InputRef, reason: str) -> SpillFile | Exception | None:
        """Return the frame on disk, the error because of which it is not, or None if there is no such frame."""
        try:
            return self._store.capture(ref, reason)
        except (SpillFailed, SpillCorrupt, MemoryError) as error:
            return error
