"""Runs one step of an earlier run again, alone, on the inputs that it had.

The earlier run is only read. Its frames are copied into the run directory of the replay, which ``proxy.run`` writes as
that of any run: the steps of the inputs are in it as reused ones.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from osiris_inspect.model.errors import MaskedConfiguration, PipelineError, SettingsError
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import Manifest, Step, bind_inputs
from osiris_inspect.model.redaction import MASK
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.connections.connections import (
    Connections,
    open_connections,
    resolve_connections,
)
from osiris_inspect.runtime.files.memory_limit import parse_bytes
from osiris_inspect.runtime.files.run_access import PRIVATE, RunAccess
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin
from osiris_inspect.runtime.protocol.code_identity import code_hash
from osiris_inspect.runtime.proxy.proxy import RunRequest, RunResult, run
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import (
    ReplayPlace,
    base_folder,
    compile_again,
    find_step,
    installed_component,
    pipeline_file,
    place_of,
    read_run,
    recorded_path,
)
from osiris_inspect.runtime.replay.earlier.earlier_run import read_earlier_run
from osiris_inspect.runtime.replay.replay_inputs import ReplayInputs, find_inputs
from osiris_inspect.runtime.replay.step_config import checked_change, recorded_config
from osiris_inspect.runtime.replay.verdict import CompareFrames, Verdict, judge
from osiris_inspect.runtime.sandbox.isolation import ResourceLimits
from osiris_inspect.runtime.settings import Settings
from osiris_inspect.runtime.transport.create_transport import create_transport
from osiris_inspect.runtime.transport.transport import Transport

FOREIGN: Final = "foreign"
"""Option that the log of the replay of an untrusted run has."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Differences of a replay from the earlier run.

    Attributes:
        target: ``local``, ``sandbox`` or ``e2b``; None for where the step ran.
        place: None for the target and isolation of the earlier run.
        changes: values of the configuration by key.
        removed: keys of the configuration that are left out.
        plan: the step whose checks, time limit and retries apply; None for those of the earlier run.
        frames: other results of the steps before it, by step; they are not compared with the log.
        settings: None for those of the earlier run.
        inputs: the run directory that its inputs are taken from.
        recompute: True if inputs that are not on disk are produced again by the steps before it.
        code: a folder from which modules are imported before any other.
        allow_writes: True if a step that reads or writes outside of the run may run.
        logs: the folder of the new run directory; None for the one of the earlier run.
        connections: the connections file; None for that of the earlier run.
        env_file: the file with variables; None for that of the earlier run.
        on_error: called in this thread with the error of the step, which then runs in this thread; None if it runs as
            ever.
    """

    target: str | None = None
    place: ReplayPlace | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    plan: Step | None = None
    frames: Mapping[str, ReusedStep] = field(default_factory=dict)
    settings: Settings | None = None
    inputs: Path | None = None
    recompute: bool = False
    code: Path | None = None
    allow_writes: bool = False
    logs: Path | None = None
    connections: Path | None = None
    env_file: Path | None = None
    on_error: Callable[[BaseException], None] | None = None


@dataclass(frozen=True, slots=True)
class ReplayHost:
    """Surroundings of a replay that the calling program provides.

    Attributes:
        private: files and folders that an isolated worker cannot read.
        compare_frames: compares two frames on disk; None if only their fingerprints are compared.
        components: None for the installed ones.
        transport: makes the transport; None for that of ``target``.
    """

    environment: Mapping[str, str]
    clock: Callable[[], float] = time.time
    private: tuple[Path, ...] = ()
    access: RunAccess = PRIVATE
    compare_frames: CompareFrames | None = None
    components: Mapping[str, Component] | None = None
    transport: Callable[[], Transport] | None = None


class ReplayResult(NamedTuple):
    """Result of a replay.

    Attributes:
        run: the new run directory and its status.
        verdict: None if the step was not reached: the worker did not start, or the run was interrupted.
        error: the message of the failure of the step, or why it was not reached.
        changed: a line for each input that was produced again and is another one.
    """

    run: RunResult
    verdict: Verdict | None
    error: str | None
    changed: tuple[str, ...]


class Replay:
    """A step of an earlier run that is ready to run again; nothing was written yet."""

    is_foreign: ClassVar = False
    """True if the run is untrusted."""

    def __init__(self, path: Path, step: str, options: ReplayOptions, host: ReplayHost) -> None:
        """Read the earlier run and check everything that the step needs.

        Raises:
            RunNotReadable: the run cannot be read.
            NotOurs: it was not made by this program, so its inputs are not there.
            SettingsError: there is no such step, an option does not fit it, or it reads or writes outside of the run.
            MaskedConfiguration: a value of its configuration or connection is not available.
            InputsGone: an input is not on disk, or it is another one than the log says.
        """
        self._options, self._host = options, host
        self.components = host.components if host.components is not None else all_components()
        self.earlier = read_run(path)
        self.step = find_step(self.earlier, step)
        self._check_ran()
        self.component = installed_component(self.step, self.components)
        self._changes = self._checked_changes()
        self.config = self._config(self.step, self._changes, options.removed)
        self._check_effects()
        self.inputs = self._find_inputs()
        self.compiled = self._compiled()
        self._connections = self._resolve_connections()
        self._place = options.place or self._chosen_place()
        self.target = options.target or ("local" if options.on_error else self._place.target)
        if options.code is not None and not options.code.is_dir():
            raise SettingsError(f"--with-code {options.code} is not a folder")
        if options.code is not None and self.target == "e2b":
            raise SettingsError("--with-code adds a folder of this machine; it needs --on local or sandbox")

    # --- preparation

    def _checked_changes(self) -> dict[str, Any]:
        changes = self._options.changes
        return {name: checked_change(self.component, name, value) for name, value in changes.items()}

    def _config(
        self, step: Step, changes: Mapping[str, Any], removed: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        def current() -> Mapping[str, Any]:
            return self._current.configs.get(step.id, {}) if self._current is not None else {}

        return recorded_config(self.earlier, step.id, current, changes, removed)

    @cached_property
    def _current(self) -> Compiled | None:
        return compile_again(self.earlier, self._host.environment)

    def _chosen_place(self) -> ReplayPlace:
        return place_of(self.earlier)

    def _check_ran(self) -> None:
        """Check that the step can be replayed from this run: it has inputs, and may run outside an isolation.

        A replay has no inputs of the steps that it took over, and a step that was skipped had none. A replay of an
        untrusted run is refused: only the file that the run came in says what may run.
        """
        if self.earlier.options.get(FOREIGN) and not self.is_foreign:
            raise SettingsError(
                f"{self.earlier.name} is a replay of an untrusted run, which is replayed in isolation only",
                fix="replay the file that it came in",
            )
        origin = self.earlier.origin
        before = self.earlier.steps[self.step.id]
        cause = self.earlier.steps.get(before.because or "")
        takes = {ref.from_step for ref in bind_inputs(self.step).values()}
        if cause is not None and cause.status == "failed" and not all(map(self._is_done, takes)):
            raise SettingsError(
                f"step {self.step.id!r} did not run in {self.earlier.name}, because step {cause.id!r} failed",
                fix=f"replay {cause.id}",
                step=self.step.id,
            )
        if origin.get("kind") == "replay" and self.earlier.steps[self.step.id].status == "reused":
            raise SettingsError(
                f"{self.earlier.name} is a replay of step {origin.get('step')!r} and only took over the frame of "
                f"{self.step.id!r}",
                fix=f"replay it in {self.earlier.steps[self.step.id].from_run}",
            )

    def _is_done(self, step: str) -> bool:
        return step in self.earlier.steps and self.earlier.steps[step].is_done

    def _check_effects(self) -> None:
        """Check that the step touches nothing outside of the run, unless that is allowed."""
        is_writer = not self.component.produces_frame or self.config.get("mode") == "write"
        if self._options.allow_writes or not (is_writer or self.component.inputs == "none"):
            return
        verb = "writes to" if is_writer else "reads from"
        raise SettingsError(
            f"step {self.step.id!r} {verb} {self._touched() or self._unknown_place()}",
            fix="add --allow-writes to run it again",
            step=self.step.id,
        )

    def _touched(self) -> str:
        """Return what the step reads or writes outside of the run."""
        outputs = pipeline_files.outputs_of_step(self.component, self.config, self.base, None)
        if outputs and self.component.family == pipeline_files.FILES:
            return ", ".join(str(path) for path in outputs)
        parts = [str(self.config[key]) for key in ("table", "path") if self.config.get(key)]
        server = self.earlier.server(self.step.id) or {}
        where = self.config.get("connection") or ""
        host = server.get("host") or server.get("path") or server.get("url") or ""
        place = f"{where} ({host})" if where and host else where or host
        return " of ".join(text for text in (", ".join(parts), str(place)) if text)

    def _unknown_place(self) -> str:
        """Return that a component does not say what it touches, with its package."""
        code = self.earlier.steps[self.step.id].code or {}
        package = code.get("distribution") or code.get("module")
        of_package = f" of {package}" if package else ""
        return f"a place that its component {self.step.driver}{of_package} does not name"

    @cached_property
    def base(self) -> Path:
        """Folder that relative paths of the step start from."""
        return base_folder(self.earlier).resolve()

    def _find_inputs(self) -> ReplayInputs:
        options = self._options
        swapped = set(options.frames)
        step = self.step
        if swapped:
            inputs = {name: ref for name, ref in bind_inputs(step).items() if ref.from_step not in swapped}
            needs = tuple(name for name in step.needs if name not in swapped)
            step = replace(step, needs=needs, inputs=inputs) if inputs else replace(step, needs=(), inputs={})
        found = find_inputs(self.earlier, step, options.inputs, recompute=options.recompute)
        return replace(found, reused={**found.reused, **options.frames})

    def _compiled(self) -> Compiled:
        """Return the pipeline of the step and of those that its inputs are from."""
        running = {*self.inputs.recomputed, self.step.id}
        steps = tuple(
            self._part(step, runs=step.id in running)
            for step in self.earlier.manifest.steps
            if step.id in running or step.id in self.inputs.reused
        )
        configs = {
            step.id: self._config(step, {}) if step.id in self.inputs.recomputed else self._recorded(step.id)
            for step in steps
        }
        configs[self.step.id] = self.config
        plan = Manifest(self.earlier.manifest.name, steps, self._other_keys({step.id for step in steps}))
        return Compiled(plan, configs, str(self._pipeline_file()))

    def _pipeline_file(self) -> Path:
        return pipeline_file(self.earlier) or self.base / Path(str(self.earlier.plan.get("file"))).name

    def _part(self, step: Step, *, runs: bool) -> Step:
        """Return a step without order; one that does not run has no needs either."""
        plan = self._options.plan
        if plan is not None and step.id == self.step.id:
            step = replace(step, checks=plan.checks, timeout_s=plan.timeout_s, retry=plan.retry)
            step = replace(step, memory_bytes=plan.memory_bytes)
        if self._options.on_error is not None:
            step = replace(step, timeout_s=None, memory_bytes=None)
        return replace(step, after=()) if runs else replace(step, after=(), needs=(), inputs={})

    def _recorded(self, step: str) -> dict[str, Any]:
        """Return the configuration of a step that does not run, without masked values."""
        config = self.earlier.configs.get(step, {})
        return {key: value for key, value in config.items() if MASK not in str(value)}

    def _other_keys(self, present: set[str]) -> dict[str, Any]:
        left_out = [step.id for step in self.earlier.manifest.steps if step.id not in present]
        keys = dict(self.earlier.manifest.other_keys)
        keys.pop("name", None)
        keys.pop("selection", None)
        return {**keys, "selection": {"left_out": left_out}} if left_out else keys

    def _resolve_connections(self) -> Connections:
        options = self._options
        running = {*self.inputs.recomputed, self.step.id}
        compiled = replace(
            self.compiled,
            manifest=replace(
                self.compiled.manifest,
                steps=tuple(step for step in self.compiled.manifest.steps if step.id in running),
            ),
            configs={step: config for step, config in self.compiled.configs.items() if step in running},
        )
        if not any(config.get("connection") for config in compiled.configs.values()):
            return Connections()
        try:
            file = open_connections(
                (self.base, compiled.folder),
                self._host.environment,
                options.connections or recorded_path(self.earlier, "connections"),
                options.env_file or recorded_path(self.earlier, "env_file"),
            )
            return resolve_connections(compiled, self.components, file)
        except PipelineError as error:
            raise MaskedConfiguration(
                f"the connection of step {self.step.id!r} cannot be resolved: {error.problems[0]}"
            ) from error

    # --- execution

    def run(
        self, on_event: Callable[[Event], None] = lambda _: None, *, redirect_stderr: bool = False
    ) -> ReplayResult:
        """Run the step and compare its outcome with that of the earlier run.

        Args:
            on_event: called with each event after it is written.
            redirect_stderr: True if descriptor 2 is free for the output of a worker in this process.

        Raises:
            InputsGone: a frame was changed since it was checked; nothing is left behind.
            RunError: the run directory cannot be created.
        """
        host, options = self._host, self._options
        changed: list[str] = []

        def follow(event: Event) -> None:
            if event.name == "source_changed":
                changed.append(self._changed_line(event))
            on_event(event)

        with _imports_from(options.code, in_process=self.target == "local") as environment_code:
            transport = self._transport(environment_code, redirect_stderr=redirect_stderr)
            request = self._request(follow)
            with chdir(request.base) if self.target == "local" else nullcontext():
                outcome = run(request, transport)
        later = read_earlier_run(outcome.path)
        step = later.steps[self.step.id]
        if step.status not in ("succeeded", "failed") or outcome.status == "interrupted":
            cause = next((each.error for each in later.steps.values() if each.error), None)
            return ReplayResult(outcome, None, cause or outcome.reason, tuple(changed))
        verdict = judge(self.earlier, later, self.step.id, host.compare_frames)
        return ReplayResult(outcome, verdict, step.error, tuple(changed))

    @contextmanager
    def prepared(self) -> Iterator[tuple[RunRequest, Transport]]:
        """Yield what the proxy needs to run the step: the request, and a transport to a worker that is not started."""
        with _imports_from(self._options.code, in_process=self.target == "local") as environment_code:
            yield (
                self._request(lambda _: None),
                self._transport(environment_code, redirect_stderr=False),
            )

    def _changed_line(self, event: Event) -> str:
        before = self.earlier.steps[event.step or ""].rows
        rows = event.fields.get("rows")
        shown = f"rows {before:,} → {rows:,}" if before != rows and before and rows else "other values"
        return f"the source has changed since: {event.step}: {shown}"

    def _request(self, on_event: Callable[[Event], None]) -> RunRequest:
        host, options = self._host, self._options
        key = host.environment.get("E2B_API_KEY")
        logs = options.logs if options.logs is not None else self.earlier.path.absolute().parent
        recorded = self._recorded_options()
        if options.code is not None:
            recorded |= {"with_code": str(options.code), "with_code_sha256": code_hash(options.code)}
        return RunRequest(
            self.compiled,
            self._settings(),
            logs.absolute(),
            self.base,
            host.clock,
            tuple(sorted(host.environment)),
            on_event=on_event,
            connections=self._connections,
            components=self.components,
            secrets=(key,) if key else (),
            private=host.private,
            readable=() if options.code is None else (options.code.resolve(),),
            access=host.access,
            reused=self.inputs.reused,
            origin=RunOrigin("replay", self.earlier.name, self.step.id),
            expected=self.inputs.recomputed,
            allow_mixed=True,
            options={**recorded, "on": self.target},
        )

    def _recorded_options(self) -> dict[str, Any]:
        names = ("file", "base", "connections", "env_file", "isolation", "memory_limit")
        recorded = {name: text for name, text in self.earlier.options.items() if name in names}
        if self._options.place is not None:
            memory = self._place.memory_limit
            recorded |= {"isolation": self._place.isolation, **({"memory_limit": memory} if memory else {})}
        return recorded

    def _settings(self) -> Settings:
        own = self._options.settings or settings.from_dict(self.earlier.start["settings"])
        if self._options.on_error is not None:  # the user takes time
            own = replace(own, step_timeout_s=None)
        return replace(own, keep="frames")

    def _transport(self, code: Mapping[str, str], *, redirect_stderr: bool) -> Transport:
        host = self._host
        if host.transport is not None:
            return host.transport()
        if self._options.on_error is not None:
            from osiris_inspect.runtime.replay.debugger import DebuggedWorker

            return DebuggedWorker(host.environment, self._options.on_error)
        isolation, memory = self._place.isolation, self._place.memory_limit
        limits = None
        if memory is not None and self.target == "sandbox":  # a step that needed more fails again
            limits = ResourceLimits(memory_bytes=parse_bytes(memory, "--memory-limit"))
        environment = {**host.environment, **code}
        return create_transport(self.target, environment, isolation, limits, redirect_stderr=redirect_stderr)


@contextmanager
def _imports_from(folder: Path | None, *, in_process: bool) -> Iterator[Mapping[str, str]]:
    """Import modules from a folder first, in a child process with the returned variables and, on request, here."""
    if folder is None:
        yield {}
        return
    text = str(folder.resolve())
    others = os.environ.get("PYTHONPATH")
    variables = {"PYTHONPATH": f"{text}{os.pathsep}{others}" if others else text}
    if not in_process:
        yield variables
        return
    sys.path.insert(0, text)
    try:
        yield variables
    finally:
        sys.path.remove(text)
