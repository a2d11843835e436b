"""Worker process of a machine for one run, with a run directory of its own that is removed at the end."""

import io
import os
import tarfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from osiris_inspect.model import manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.cluster.chain_request import ChainRequest, ChainSecrets, NamedFile, SharedFrame
from osiris_inspect.runtime.cluster.line_relay import LineFile, NodeRecorder
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.files.beneath import opened_folder, replace_beneath
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.frames.spill.spill_file import find_spill
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.pipeline_files import outputs_of_step
from osiris_inspect.runtime.protocol.bundle import Bundle, build_bundle, load_components, verify_bundle
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.run_finish import RunProgress
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from osiris_inspect.runtime.proxy.scheduling.run_worker import RunWorker
from osiris_inspect.runtime.proxy.scheduling.step_outcomes import StepOutcomes
from osiris_inspect.runtime.proxy.signals import SignalFlag
from osiris_inspect.runtime.proxy.worker_client import CommandResult
from osiris_inspect.runtime.sandbox.isolation import RequestedLevel, ResourceLimits
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir


class StopFlag(SignalFlag):
    """Flag that ends the running step, set by another thread."""

    def stop(self, reason: str) -> None:
        """End the step; the first reason counts."""
        self._name = self._name or reason
        self._count = 1


class NodeWorker:
    """Worker process that runs chains of one run, one at a time, in the thread that made it.

    The kernel kills the process when that thread ends.

    Attributes:
        stop: ends the running step.
        recorder: its ``lines`` are replaced for each attempt.

    Raises:
        ProtocolError: the bundle cannot be read or differs, or the store cannot be reached.
        OSError: the disk refused.
    """

    def __init__(
        self, request: ChainRequest, secrets: ChainSecrets, store: SharedStore, lines: LineFile
    ) -> None:
        self._store, self._secrets = store, secrets
        self._held: dict[str, int] = {}
        self._is_prepared = False
        self.stop = StopFlag()
        self._stack = ExitStack()
        try:
            folder = self._stack.enter_context(LockedTempDir()).path
            self.base, logs = folder / "work", folder / "logs"
            self.run_dir = logs / request.run
            self.base.mkdir(0o700)
            self.run_dir.mkdir(0o700, parents=True)
            self._unpack(request)
            self._open(request, logs, lines)
        except BaseException:
            self._stack.close()
            raise

    def _unpack(self, request: ChainRequest) -> None:
        archive = self.run_dir.parent / "bundle.tgz"
        descriptor = os.open(archive, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            self._store.get_file(request.bundle, file.fileno())
            file.seek(0)
            with tarfile.open(fileobj=file) as tar:
                tar.extractall(self.run_dir, filter="data")
        verify_bundle(self.run_dir, request.contents)

    def _open(self, request: ChainRequest, logs: Path, lines: LineFile) -> None:
        secrets = self._secrets
        plan = manifest.parse(orjson.loads((self.run_dir / layout.MANIFEST).read_bytes()))
        steps = tuple(step for step in plan.steps if step.cfg_path in request.contents["files"])
        self._configs = {step.id: orjson.loads((self.run_dir / step.cfg_path).read_bytes()) for step in steps}
        self._configs |= secrets.configs
        compiled = Compiled(replace(plan, steps=steps), self._configs, str(self.base / "pipeline.yaml"))
        self._steps = {step.id: replace(step, retry={}) for step in steps}
        self._components = load_components(self.run_dir)
        self._by_step = dict(secrets.connections)
        redactor = Redactor(secrets.values, secrets.names)
        connections = Connections(self._by_step, secrets.values, (), secrets.by_step)
        values = settings.from_dict(request.settings)
        run_request = RunRequest(
            compiled,
            values,
            logs,
            self.base,
            time.time,
            tuple(sorted(os.environ)),
            connections=connections,
            components=self._components,
        )
        files = self._stack.enter_context(DirectoryWriter(self.run_dir))
        log = self._stack.enter_context(EventLog(files, request.run, redactor))
        self.recorder = NodeRecorder(log, time.time, lines)
        progress = RunProgress(self.run_dir, files, compiled.manifest, redactor)
        context = RunContext(
            run_request, self.recorder, progress, self.stop, self._components, secrets.values, values
        )
        self._context = context
        level: RequestedLevel = request.isolation  # type: ignore[assignment]  # the host checked it
        transport = Stdio(os.environ, level, ResourceLimits(request.memory_bytes))
        first = self._steps[request.chain]
        self._own_step = first if first.memory_bytes is not None else None
        self._worker = RunWorker(context, transport, StepOutcomes(context), own_step=self._own_step)
        self._stack.callback(self._worker.close)

    # --- attempts

    def can_run(self, request: ChainRequest, secrets: ChainSecrets) -> bool:
        """Return True if the process can run another chain: it knows the secrets, and has no frame of a lost attempt.

        A step with a limit of memory has a process of its own.
        """
        frames = {frame.step: frame.attempt for frame in request.frames}
        steps = dict.fromkeys(request.steps, request.attempt)
        return (
            not self._worker.loss
            and self._is_prepared
            and self._own_step is None
            and self._steps[request.chain].memory_bytes is None
            and not self.stop.is_set
            and (secrets.is_empty or secrets == self._secrets)
            and all(self._held.get(step, attempt) == attempt for step, attempt in frames.items())
            and not steps.keys() & self._held.keys()
        )

    def begin(self, request: ChainRequest, lines: LineFile) -> None:
        """Write the lines of an attempt into another file from now on."""
        self.recorder.lines = lines
        self.recorder.card_events.clear()
        numbers = dict.fromkeys(request.steps, request.attempt) if request.counts_attempts else {}
        self.recorder.attempts = numbers

    def prepare(self) -> CommandResult:
        """Start and prepare the process, unless it is; return its answer."""
        answer = self._worker.finish(self._worker.prepare(self._make_bundle))
        self._is_prepared = isinstance(answer, Response)
        return answer

    @property
    def is_prepared(self) -> bool:
        """True if steps can run."""
        return self._is_prepared

    def _make_bundle(self) -> Bundle:
        compiled, connections = self._context.request.compiled, self._by_step
        return build_bundle(self.run_dir, compiled, self._components, self.base, connections)

    def fetch(self, request: ChainRequest) -> Iterator[tuple[SharedFrame, float]]:
        """Download the files and frames that a chain takes; yield each frame with its milliseconds.

        Raises:
            ProtocolError: an object is missing or damaged.
            OSError: the disk refused.
        """
        for name in request.folders:
            (self.base / name).mkdir(parents=True, exist_ok=True)
        for named in request.inputs:
            if not (self.base / named.path).exists():
                self._download(named, self.base)
        for frame in request.frames:
            if self._held.get(frame.step) == frame.attempt:
                continue
            started = time.monotonic()
            for named in frame.files:
                self._download(named, self.run_dir)
            self._check_frame(frame)
            self._held[frame.step] = frame.attempt
            yield frame, (time.monotonic() - started) * 1000

    def _download(self, named: NamedFile, root: Path) -> None:
        (root / named.path).parent.mkdir(0o700, parents=True, exist_ok=True)
        with opened_folder(root) as folder, replace_beneath(folder, named.path) as descriptor:
            self._store.get_file(named.file, descriptor)

    def _check_frame(self, frame: SharedFrame) -> None:
        spilled = find_spill(self.run_dir, frame.step)
        found = None if spilled is None else spilled.document["fingerprint"]
        if found != frame.fingerprint:
            raise ProtocolError(
                f"the frame of step {frame.step!r} on the shared store is another one: "
                f"its fingerprint is {found}, not {frame.fingerprint}",
                kind="artifact-lost",
                fix="run again",
                step=frame.step,
            )

    def run_step(self, step_id: str, attempt: int) -> CommandResult:
        """Run a step once.

        Raises:
            Interrupted: ``stop`` was set.
        """
        self._held[step_id] = attempt
        return self._worker.finish(self._worker.run_step(self._steps[step_id]))

    def upload_frame(self, request: ChainRequest, step_id: str) -> SharedFrame:
        """Spill the frame of a step unless it is on disk, and upload it.

        Raises:
            ProtocolError: the frame cannot be spilled, or the store refused.
        """
        spilled = find_spill(self.run_dir, step_id)
        if spilled is None and self._worker.finish(self._worker.spill(step_id)):
            spilled = find_spill(self.run_dir, step_id)
        if spilled is None:
            raise ProtocolError(
                f"the frame of step {step_id!r} cannot be written to disk, so no other machine can take it",
                kind="spill-write-failed",
                fix="free disk space, or keep the steps that take it on one machine",
                step=step_id,
            )
        main, schema, index = layout.spill_files(step_id)
        names = [name for name in (main, index) if (self.run_dir / name).exists()]
        files = tuple(
            NamedFile(
                name,
                self._store.put_file(
                    f"{request.run}/frames/{step_id}/{request.attempt}/{Path(name).name}", self.run_dir / name
                ),
            )
            for name in (*names, schema)
        )
        return SharedFrame(step_id, request.attempt, spilled.document["fingerprint"], files)

    def upload_files(self, request: ChainRequest, succeeded: list[str]) -> Iterator[NamedFile]:
        """Upload the outputs of steps that succeeded, and the artifacts of all steps up to the limit.

        Raises:
            ProtocolError: the store refused.
            OSError: a file cannot be read.
        """
        prefix = f"{request.run}/out/{request.chain}/{request.attempt}"
        for step_id in succeeded:
            step = self._steps[step_id]
            component = self._components.get(step.driver)
            config, connection = self._configs[step_id], self._by_step.get(step_id)
            for path in outputs_of_step(component, config, self.base, connection):
                if path.is_file() and path.is_relative_to(self.base):
                    name = path.relative_to(self.base).as_posix()
                    yield NamedFile(name, self._store.put_file(f"{prefix}/work/{name}", path), is_output=True)
        spills = set(self._kept_spills(request))
        for step_id in request.steps:
            frame_files = layout.spill_files(step_id)
            folder = self.run_dir / layout.artifacts_dir(step_id)
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                name = path.relative_to(self.run_dir).as_posix()
                if path.is_symlink() or not path.is_file():
                    continue
                if name in spills or (
                    name not in frame_files and path.stat().st_size <= request.max_artifact_bytes
                ):
                    yield NamedFile(name, self._store.put_file(f"{prefix}/run/{name}", path))

    def _kept_spills(self, request: ChainRequest) -> Iterator[str]:
        """Yield the files of frames that the host keeps, without those that other chains take."""
        kept = {
            manifest.bind_inputs(self._steps[step_id])[name].from_step
            for (step_id, name), event in self.recorder.captures.items()
            if step_id in request.steps and event == "frame_captured"
        }
        if self._context.request.settings.keep == "frames":
            kept.update(request.steps)
        for source in kept.intersection(request.steps).difference(request.gives):
            yield from layout.spill_files(source)

    def upload_log(self, request: ChainRequest) -> NamedFile | None:
        """Upload the output of the drivers so far; None without any."""
        path = self.run_dir / layout.WORKER_LOG
        if not path.is_file() or not path.stat().st_size:
            return None
        return NamedFile(layout.WORKER_LOG, self._store.put_file(request.key("logs"), path))

    def kill(self) -> None:
        """End the process and its children now."""
        self._worker.transport.kill()
        self._is_prepared = False

    def close(self) -> None:
        """End the process and remove its run directory; calling it twice is safe."""
        self._is_prepared = False
        self._stack.close()


def answer_of(answer: CommandResult) -> Mapping[str, Any]:
    """Return an answer of the worker for the result of a chain."""
    return {"failed": dict(answer.error)} if isinstance(answer, ErrorResponse) else dict(answer.body)


def pack(run_dir: Path, names: Iterable[str], to: Path) -> None:
    """Write the archive of a run: the files of its bundle.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    with tarfile.open(to, "w:gz", compresslevel=3) as tar:
        for name in names:
            data = (run_dir / name).read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
