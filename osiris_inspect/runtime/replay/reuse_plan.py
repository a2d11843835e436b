"""Plan of a run that uses an earlier run: for each step its entry, with the first reason that applies.

An entry is ``done`` (a writer that succeeded, or a step whose frame is not needed), ``unknown`` (a writer that may have
written), ``reuse`` (its frame is taken over) or ``run``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from osiris_inspect.base.connection_server import connection_server
from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model import manifest as manifests
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import Step
from osiris_inspect.model.redaction import MASK
from osiris_inspect.runtime.pipeline.compiler import Compiled
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.planning.reused_step import ReusedStep
from osiris_inspect.runtime.planning.schedule import OrderEdge
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, PastStep

EntryAction = Literal["done", "unknown", "reuse", "run"]
_MAX_KEYS = 3


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """Entry of a step in a plan, with its reason.

    Attributes:
        reused: the result that is taken over; None for a step that runs.
        expected: for a step that runs because its frame was not kept, the fingerprint that its frame must have.
    """

    step: str
    action: EntryAction
    reason: str = ""
    reused: ReusedStep | None = None
    expected: str | None = None

    def __str__(self) -> str:
        word = "reuse" if self.action == "reuse" else f"{self.action}:" if self.reason else self.action
        return f"{word} {self.reason}".rstrip()


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of a plan.

    Attributes:
        forced: steps that run whatever the earlier run did, with the reason.
        rerun: writers that may have written, and that run again.
        accepted: writers that may have written, and that count as done.
        ignore_code: True if other code of a driver is no reason to run a step.
        is_resume: True if the earlier run is continued; otherwise all writers run.
    """

    forced: Mapping[str, str] = field(default_factory=dict)
    rerun: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    ignore_code: bool = False
    is_resume: bool = True


@dataclass(frozen=True, slots=True)
class CurrentPipeline:
    """The pipeline as it is now.

    Attributes:
        compiled: the steps of the plan.
        configs: its configurations, secrets masked as in a run directory.
        connections: the resolved connections by step.
        code_of: returns the identity of the code of a driver; None if it is unknown.
        find_frame: returns the run directory that holds the frame of a step with a fingerprint; None if there is none.
        has_outputs: returns True if the output files of a step that ran remotely were downloaded.
        waits_for: edges by step to earlier steps that touch the same file or connection.
        staleness: returns why the source of a step may have changed since it ran; empty if it did not, or if that is no
            reason to run it.
    """

    compiled: Compiled
    configs: Mapping[str, Mapping[str, Any]]
    components: Mapping[str, Component]
    connections: Mapping[str, Mapping[str, Any]]
    code_of: Callable[[str], Mapping[str, Any] | None]
    find_frame: Callable[[str, str], Path | None]
    has_outputs: Callable[[str], bool] = lambda _step: True
    waits_for: Mapping[str, tuple[OrderEdge, ...]] = field(default_factory=dict)
    staleness: Callable[[Step, PastStep], str] = lambda _step, _before: ""

    def is_writer(self, step: Step) -> bool:
        """Return True if a step keeps no frame."""
        component = self.components.get(step.driver)
        return component is not None and not component.produces_frame

    def is_repeatable(self, step: Step) -> bool:
        """Return True if a step that runs again writes no row twice."""
        component = self.components.get(step.driver)
        config = self.compiled.configs[step.id]
        return component is not None and component.is_repeatable({**component.defaults, **config})


def plan_steps(earlier: PastRun, current: CurrentPipeline, options: PlanOptions) -> tuple[PlanEntry, ...]:
    """Return the entry of each step of the pipeline, in its order.

    Raises:
        SettingsError: an option names a step that does not exist, or one that it does not apply to.
    """
    steps = current.compiled.manifest.steps
    _check_names((*options.rerun, *options.accepted), [step.id for step in steps])
    planner = _Planner(earlier, current, options)
    reasons = {step.id: planner.reason(step) for step in steps}
    kept = {
        step.id: current.find_frame(step.id, fingerprint)
        for step in steps
        if (fingerprint := planner.earlier_step(step).fingerprint) and not reasons[step.id]
    }
    needed = _needed(steps, reasons, kept)
    entries = []
    for step in steps:
        if current.is_writer(step):
            entries.append(planner.writer_entry(step, reasons[step.id]))
        elif reasons[step.id]:
            expected = planner.earlier_step(step).expected
            entries.append(PlanEntry(step.id, "run", reasons[step.id], expected=expected))
        else:
            entries.append(planner.frame_entry(step, kept.get(step.id), is_needed=step.id in needed))
    return tuple(entries)


def results_of(entries: Iterable[PlanEntry]) -> tuple[dict[str, ReusedStep], dict[str, str]]:
    """Return the results that a run takes over, and the fingerprints of the frames that it produces again.

    If no frame is taken over and no writer is done, no rows can be of an old state of a source.
    """
    listed = list(entries)
    reused = {entry.step: entry.reused for entry in listed if entry.reused is not None}
    is_mixed = any(entry.how != "done" or entry.fingerprint is None for entry in reused.values())
    expected = {entry.step: entry.expected for entry in listed if entry.expected is not None}
    return reused, expected if is_mixed else {}


def _needed(
    steps: Iterable[Step], reasons: Mapping[str, str], kept: Mapping[str, Path | None]
) -> frozenset[str]:
    """Return the steps whose frames are taken by steps that run, also by those that run to produce a frame again."""
    needed: set[str] = set()
    for step in reversed(tuple(steps)):
        runs = bool(reasons[step.id]) or (step.id in needed and kept.get(step.id) is None)
        if runs:
            needed.update(ref.from_step for ref in manifests.bind_inputs(step).values())
    return frozenset(needed)


class _Planner:
    """Rules for each step; ``reason`` is called in the order of the pipeline."""

    def __init__(self, earlier: PastRun, current: CurrentPipeline, options: PlanOptions) -> None:
        self._earlier, self._current, self._options = earlier, current, options
        self._running: set[str] = set()

    def earlier_step(self, step: Step) -> PastStep:
        """Return what the earlier run says about a step."""
        return self._earlier.steps.get(step.id) or PastStep(step.id, self._earlier.name)

    def reason(self, step: Step) -> str:
        """Return the first reason why a step runs; empty if it need not run."""
        is_writer = self._current.is_writer(step)
        if is_writer and not self._options.is_resume:
            reason = self._options.forced.get(step.id) or "a writer always runs"
            self._running.add(step.id)
            return reason
        reason = self._writer_reason(step) if is_writer else self._frame_reason(step)
        if reason:
            self._running.add(step.id)
        return reason

    def _frame_reason(self, step: Step) -> str:
        before = self.earlier_step(step)
        if step.id in self._options.accepted:
            raise SettingsError(f"--accept {step.id}: it is not a writer, so it runs again without harm")
        return (
            self._options.forced.get(step.id)
            or ("--rerun" if step.id in self._options.rerun else "")
            or self._missing_result(step, before)
            or self._difference(step, before)
            or self._upstream_reason(step)
            or self._current.staleness(step, before)
        )

    def _missing_result(self, step: Step, before: PastStep) -> str:
        if before.is_done and before.fingerprint is not None:
            return ""
        return "did not succeed" if step.id in self._earlier.steps else f"it is not in {self._earlier.name}"

    def _difference(self, step: Step, before: PastStep) -> str:
        changed = self._changed_keys(step)
        if changed:
            return f"its configuration differs in {', '.join(changed)}"
        return "" if self._options.ignore_code else self._code_difference(step, before)

    def _upstream_reason(self, step: Step) -> str:
        """Return an earlier step that runs again and whose frame, file or connection the step uses."""
        needs = next((name for name in step.upstream if name in self._running), None)
        if needs:
            return f"it needs {needs}, which runs again"
        edges = self._current.waits_for.get(step.id, ())
        edge = next((edge for edge in edges if edge.kind == "shared" and edge.earlier in self._running), None)
        return "" if edge is None else f"it waits for {edge.earlier}, which runs again: {edge.reason}"

    def _writer_reason(self, step: Step) -> str:
        before, is_rerun = self.earlier_step(step), step.id in self._options.rerun
        is_accepted = step.id in self._options.accepted
        if self._is_done(step, before):
            if is_rerun or is_accepted:
                option = "--rerun" if is_rerun else "--accept"
                raise SettingsError(
                    f"{option} {step.id}: it wrote its rows in {before.from_run}",
                    fix=f"run it again with osiris-inspect run and --only {step.id}" if is_rerun else None,
                )
            return ""
        if before.may_have_written and not self._current.is_repeatable(step):
            return "--rerun" if is_rerun else ""
        if is_accepted:
            raise SettingsError(f"--accept {step.id}: it did not write its rows in {self._earlier.name}")
        return self._options.forced.get(step.id) or "did not succeed"

    def _is_done(self, step: Step, before: PastStep) -> bool:
        return before.is_done and (
            before.status == "reused" or not self._earlier.is_remote or self._current.has_outputs(step.id)
        )

    def writer_entry(self, step: Step, reason: str) -> PlanEntry:
        """Return the entry of a writer with its reason to run."""
        before = self.earlier_step(step)
        if reason:
            return PlanEntry(step.id, "run", reason)
        if self._is_done(step, before):
            rows = "" if before.rows is None else f"wrote {before.rows:,} rows in {before.from_run}"
            changed = self._changed_keys(step)
            note = f", its configuration differs in {', '.join(changed)} since" if changed else ""
            result = ReusedStep(before.from_run, self._earlier.path, None, before.rows, "done", before.code)
            return PlanEntry(step.id, "done", f"{rows or f'succeeded in {before.from_run}'}{note}", result)
        if step.id in self._options.accepted:
            result = ReusedStep(self._earlier.name, self._earlier.path, None, None, "accepted")
            return PlanEntry(step.id, "done", "--accept", result)
        return PlanEntry(step.id, "unknown", f"it may have written{self._target(step, before)}")

    def _target(self, step: Step, before: PastStep) -> str:
        """Return where a writer writes to, and the rows that it was given."""
        config = self._current.configs.get(step.id, {})
        target = config.get("table") or config.get("path") or ""
        schema = config.get("schema")
        name = f"{schema}.{target}" if schema and config.get("table") else str(target)
        rows = "" if before.rows_in is None else f" {before.rows_in:,} rows"
        return f"{rows}{f' to {name}' if name else ''}"

    def frame_entry(self, step: Step, kept: Path | None, *, is_needed: bool) -> PlanEntry:
        """Return the entry of a step whose frame is as before; ``kept`` is the run directory that holds it."""
        before = self.earlier_step(step)
        if kept is not None:
            rows = "" if before.rows is None else f"{before.rows:,} rows of "
            result = ReusedStep(before.from_run, kept, before.fingerprint, before.rows, "frame", before.code)
            return PlanEntry(step.id, "reuse", f"{before.fingerprint} ({rows}{before.from_run})", result)
        if not is_needed:
            result = ReusedStep(
                before.from_run, self._earlier.path, before.fingerprint, before.rows, "done", before.code
            )
            return PlanEntry(step.id, "done", "its frame is not needed", result)
        where = "is no longer on disk" if before.was_on_disk else "was only in memory"
        if not self._options.is_resume:
            where = "was not kept (use --keep frames)"
        return PlanEntry(step.id, "run", f"its frame {where}", expected=before.fingerprint)

    def _changed_keys(self, step: Step) -> list[str]:
        """Return the keys of the configuration that differ from those of the earlier run."""
        before = next((other for other in self._earlier.manifest.steps if other.id == step.id), None)
        old, new = self._earlier.configs.get(step.id), self._current.configs[step.id]
        if before is None or old is None:
            return ["cfg, which is missing"]
        changed = []
        if before.driver != step.driver:
            changed.append("component")
        if manifests.bind_inputs(before) != manifests.bind_inputs(step):
            changed.append("needs")
        if _plain(before.checks) != _plain(step.checks):
            changed.append("checks")
        keys = dict.fromkeys((*new, *old))
        changed += [key for key in keys if not _is_same(old.get(key), new.get(key))]
        server = self._earlier.server(step.id)
        if server is not None and server != connection_server(self._current.connections.get(step.id, {})):
            changed.append("the server of its connection")
        return changed[:_MAX_KEYS]

    def _code_difference(self, step: Step, before: PastStep) -> str:
        old, new = before.code, self._current.code_of(step.driver)
        if old is None or new is None or new.get("file_sha256") is None or old.get("file_sha256") is None:
            return f"the code of {step.driver} is not recorded, so it may differ"
        if old["file_sha256"] == new["file_sha256"] and old.get("module") == new.get("module"):
            return ""
        versions = [
            f"{code.get('distribution') or code.get('module')} {code.get('version') or ''}".strip()
            for code in (old, new)
        ]
        shown = (
            f" ({versions[0]} → {versions[1]})" if versions[0] != versions[1] else f" ({new.get('module')})"
        )
        return f"the code of {step.driver} differs{shown}"


def _is_same(old: Any, new: Any) -> bool:
    """Return True if two masked values can be of one value; a value that is masked in one of both can be."""
    if isinstance(old, str) and isinstance(new, str) and MASK in old:
        parts = old.split(MASK)
        return old == new or (new.startswith(parts[0]) and new.endswith(parts[-1]))
    return bool(_plain(old) == _plain(new))


def _plain(value: Any) -> Any:
    """Return a value with lists for tuples, as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _check_names(names: Iterable[str], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise SettingsError(
                f"no step is named {name!r}{did_you_mean(name, known)}; the steps are {', '.join(known[:20])}"
            )
