"""Runs the failed step of an earlier run on other inputs, in a worker that stays alive between the runs."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

from osiris_inspect.model.error_info import parse_error_info
from osiris_inspect.model.errors import InputsGone, RunError, SettingsError
from osiris_inspect.model.failure.signature import (
    FailureSignature,
    failure_level,
    failure_signature,
    quoted_texts,
)
from osiris_inspect.model.manifest import InputRef, bind_inputs
from osiris_inspect.model.run_layout import artifacts_dir
from osiris_inspect.runtime.files.hashed_file import Filesystem, HashedFile
from osiris_inspect.runtime.frames import memory
from osiris_inspect.runtime.frames.conversion.frame import plan_frame
from osiris_inspect.runtime.frames.frame_part import Frame, FramePart, to_ranges
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.planning.take_over import frame_files
from osiris_inspect.runtime.protocol.bundle import Bundle, build_bundle
from osiris_inspect.runtime.protocol.messages import ErrorResponse
from osiris_inspect.runtime.proxy.proxy import open_run
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_worker import RunWorker
from osiris_inspect.runtime.proxy.scheduling.step_outcomes import StepOutcomes
from osiris_inspect.runtime.proxy.worker_client import Interrupted
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import ReplayPlace, place_of, read_run
from osiris_inspect.runtime.replay.replay import Replay, ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.shrink.columns import column_names
from osiris_inspect.runtime.replay.shrink.shrink import Candidate, DependsOnSize, Frames
from osiris_inspect.runtime.transport.transport import Transport

FIRST_LIMIT_S: Final = 600.0
"""Seconds that the first run of the step may take."""
MIN_LIMIT_S: Final = 5.0
_WORD: Final = re.compile(r"\w+")
_LIMIT_FACTOR: Final = 4
"""Times the duration of the longest run that a later one may take."""
_TYPES_OF_SIZE: Final = frozenset({"MemoryError", "StepTimeout", "WorkerHung", "WorkerLost"})


@contextmanager
def failure_test(
    path: Path, step: str, host: ReplayHost, options: ReplayOptions | None = None
) -> Iterator["FailureTest"]:
    """Yield a test for the failure of a step of an earlier run.

    The step runs in a child process with the isolation of the run; one of E2B runs in the sandbox of this machine. The
    earlier run stays as it is.

    Raises:
        SettingsError: the step did not fail, or it reads or writes outside of the run.
        InputsGone: an input is not on disk.
        OsirisError: as for ``Replay``, or the worker does not start.
    """
    options = options or ReplayOptions()
    place = options.place or place_of(read_run(path))
    isolation = {"local": "none", "e2b": "auto"}.get(place.target, place.isolation)
    with (
        TemporaryDirectory(prefix="osiris-shrink-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        replay = Replay(
            path,
            step,
            replace(
                options,
                target="sandbox",
                place=ReplayPlace("sandbox", isolation, place.memory_limit),  # type: ignore[arg-type]  # the names are levels
                logs=Path(folder),
                allow_writes=False,
            ),
            host,
        )
        _check(replay)
        request, transport = stack.enter_context(replay.prepared())
        context = stack.enter_context(open_run(request, transport))
        test = FailureTest(replay, context, transport)
        stack.callback(test.close)
        yield test


def _check(replay: Replay) -> None:
    """Check that the step failed and that its inputs are on disk.

    Raises:
        SettingsError: it did not fail, or has no inputs.
        InputsGone: an input would have to be produced again.
    """
    earlier, step = replay.earlier, replay.step
    if earlier.steps[step.id].status != "failed":
        raise SettingsError(
            f"step {step.id!r} of {earlier.name} did not fail", fix="name a failed step", step=step.id
        )
    if not bind_inputs(step):
        raise SettingsError(f"step {step.id!r} has no inputs to shrink", fix="replay it", step=step.id)
    if replay.inputs.recomputed:
        raise InputsGone(
            f"inputs of step {step.id!r} are not on disk: {', '.join(replay.inputs.recomputed)}",
            fix=f"run osiris-inspect replay --recompute {earlier.name} {step.id}, and use its run",
            step=step.id,
        )


class FailureTest:
    """Test of inputs of a step: True if it fails in the same way as in the earlier run; values may differ.

    A run that takes too long or ends the worker did not fail in the same way; the next one has a new worker. The first
    run may be the only one of a failure that depends on the size of the inputs.
    """

    def __init__(self, replay: Replay, context: RunContext, transport: Transport) -> None:
        """Use a run directory and a transport that is not started; the worker starts at the first run."""
        self._replay, self._context, self._transport = replay, context, transport
        self._step, self._root = replay.step, context.progress.path
        self._workers: list[RunWorker] = []
        self._expected: FailureSignature | None = None
        self._names: frozenset[str] = frozenset()
        self._longest_s: float | None = None
        self._written = 0
        self.error = replay.earlier.steps[self._step.id].error or ""
        self._error_type = replay.earlier.steps[self._step.id].error_type or ""

    @property
    def config(self) -> str:
        """Text of the configuration of the step."""
        return str(self._replay.config)

    @property
    def depends_on_size(self) -> bool:
        """True if the failure is one of memory or of time, which smaller inputs do not have."""
        return _is_of_size(self._error_type, self.error)

    @cached_property
    def frames(self) -> Frames:
        """Inputs of the step by name, as the driver received them."""
        found = {}
        for name, ref in self._refs.items():
            spilled = spill.find_spill(self._root, ref.from_step, ref.key)
            if spilled is None:
                raise InputsGone(f"the frame of step {ref.from_step!r} is not on disk", step=ref.from_step)
            found[name] = spill.read_original(spilled)
        return found

    def __call__(self, candidate: Candidate) -> bool:
        """Return True if the step fails with these inputs in the same way.

        Raises:
            DependsOnSize: the failure is one of memory or of time.
            KeyboardInterrupt: the user interrupted the run; the next call can run.
            OsirisError: the worker does not start, or the disk refuses a frame.
        """
        failure = self._run(candidate)
        return failure is not None and self._is_expected(failure)

    def fails(self, frames: Frames) -> bool:
        """Return True if the step fails with these frames in the same way; raises as a call."""
        return self({name: FramePart.whole(frame) for name, frame in frames.items()})

    def close(self) -> None:
        """End the workers; calling it twice is safe."""
        for worker in reversed(self._workers):
            worker.close()

    # --- failures

    def _is_expected(self, failure: Mapping[str, Any]) -> bool:
        signature = failure_signature(failure["message"], failure.get("type"), failure.get("traceback"))
        if self._expected is not None:
            is_same = failure_level(self._expected, signature).startswith("same failure")
            return is_same and self._names <= quoted_texts(failure["message"])
        if _is_of_size(signature.type, failure["message"]):
            raise DependsOnSize
        # the place of an error of the runtime itself differs between a run and a test
        recorded = failure_signature(self.error, self._error_type)
        if failure_level(recorded, signature).startswith("same failure"):
            self._expected, self._names = signature, self._names_in(failure["message"])
            return True
        return False

    def _names_in(self, message: str) -> frozenset[str]:
        """Return the columns and words of the configuration that a message quotes: a failure about others is another one."""
        columns = {name for frame in self.frames.values() for name in column_names(frame)}
        words = frozenset(_WORD.findall(self.config))
        return quoted_texts(message) & (columns | words)

    # --- runs

    def _run(self, candidate: Candidate) -> Mapping[str, Any] | None:
        """Run the step; return its failure, None if it succeeded."""
        written: list[InputRef] = []
        try:
            inputs = {name: self._entry(name, part, written) for name, part in candidate.items()}
            worker = self._ready_worker()
            start = monotonic()
            answer = worker.finish(worker.test_step(self._step, inputs, self._limit_s))
        except Interrupted:
            self._drop_worker()
            self._context.signals.clear()
            raise KeyboardInterrupt from None
        except KeyboardInterrupt:
            self._drop_worker()
            raise
        finally:
            for ref in written:
                folder = f"{self._root}/{artifacts_dir(ref.from_step)}"
                spill.remove_spill(folder, _DISK, ref.key)
        if worker.loss is not None and isinstance(answer, ErrorResponse):
            self._drop_worker()
            return answer.error
        if isinstance(answer, ErrorResponse):
            info = parse_error_info(answer.error.get("error_info"))
            raise RunError(
                f"cannot test step {self._step.id!r}: {answer.error['message']}",
                kind=info.kind if info else "internal-error",
                fix=info.fix if info else "replay the step to see the whole error",
            )
        self._longest_s = max(self._longest_s or 0.0, monotonic() - start)
        failure: Mapping[str, Any] | None = answer.body["failure"]
        return failure

    @property
    def _limit_s(self) -> float:
        if self._longest_s is None:
            return FIRST_LIMIT_S
        return max(MIN_LIMIT_S, _LIMIT_FACTOR * self._longest_s)

    @cached_property
    def _refs(self) -> Mapping[str, InputRef]:
        return bind_inputs(self._step)

    def _entry(self, name: str, part: FramePart, written: list[InputRef]) -> dict[str, Any]:
        """Return an input of the command; a frame that is not one of the step is written to disk."""
        ref = self._refs[name]
        entry: dict[str, Any] = {"from_step": ref.from_step, "key": ref.key}
        if part.frame is not self.frames[name]:
            self._written += 1
            other = InputRef(ref.from_step, f"test{self._written}")
            written.append(other)
            self._write(other, part.take())
            return {**entry, "frame": other.key}
        if not part.is_whole:
            entry |= {"rows": to_ranges(part.rows), "columns": to_ranges(part.columns)}
        return entry

    def _write(self, ref: InputRef, frame: Frame) -> None:
        size = memory.frame_bytes(frame)
        spill.write_spill(self._root, ref.from_step, plan_frame(frame), size, _DISK, key=ref.key)

    @cached_property
    def _bundle(self) -> Bundle:
        request = self._context.request
        return build_bundle(
            self._root,
            request.running,
            self._context.components,
            request.base,
            request.connections.by_step,
            frame_files(self._context.progress.reused),
        )

    def _ready_worker(self) -> RunWorker:
        """Return the worker; start one if there is none.

        Raises:
            RunError: it does not start.
        """
        if self._workers and self._workers[-1].loss is None and not self._workers[-1].is_killed:
            return self._workers[-1]
        transport = self._transport.sibling() if self._workers else self._transport
        worker = RunWorker(self._context, transport, StepOutcomes(self._context), len(self._workers) + 1)
        self._workers.append(worker)
        answer = worker.finish(worker.prepare(lambda: self._bundle))
        if isinstance(answer, ErrorResponse):
            raise RunError(
                f"cannot prepare the worker: {answer.error['message']}", kind="worker-start-failed"
            )
        return worker

    def _drop_worker(self) -> None:
        """Kill the worker, so that the next run starts one."""
        if self._workers:
            self._workers[-1].is_killed = True
            self._workers[-1].transport.kill()


def _is_of_size(error_type: str, message: str) -> bool:
    return error_type in _TYPES_OF_SIZE or "out of memory" in message.lower()


class _UnsyncedFile(HashedFile):
    def sync(self) -> None:
        """Leave the file in memory: it is removed after the test."""


class _UnsyncedFilesystem(Filesystem):
    def create(self, path: str) -> HashedFile:
        Path(path).unlink(missing_ok=True)
        return _UnsyncedFile(path)


_DISK: Final = _UnsyncedFilesystem()
