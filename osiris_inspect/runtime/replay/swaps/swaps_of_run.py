"""The differences of a run that works which a replay of a failed step can take over."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from osiris_inspect.model import manifest as manifests
from osiris_inspect.model.errors import InputsGone
from osiris_inspect.model.manifest import InputRef, Step
from osiris_inspect.model.redaction import MASK
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.planning.reused_step import ReusedStep
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import find_step, place_of
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun
from osiris_inspect.runtime.replay.replay import ReplayOptions
from osiris_inspect.runtime.replay.replay_inputs import find_inputs
from osiris_inspect.runtime.replay.swaps.run_swaps import Swap
from osiris_inspect.runtime.settings import Settings

_FIXED: Final = ("component", "mode")
"""Keys of a configuration that decide which driver runs."""
_FORCED: Final = frozenset({"keep", "capture", "capture_limit"})
"""Settings that a replay sets itself, or that matter only after a failure."""
_CHECKS: Final = "checks"


class RunSwaps:
    """Swaps of a failed step with the same step of the run that works."""

    def __init__(
        self, base: PastRun, base_step: str, other: PastRun, step: str, options: ReplayOptions
    ) -> None:
        """``options`` are those of the unchanged replay.

        Raises:
            SettingsError: a run has no such step.
        """
        self._base, self._other, self._options = base, other, options
        self._base_step, self._step = find_step(base, base_step), find_step(other, step)

    def __iter__(self) -> Iterator[Swap]:
        """Yield what differs, in the order in which it is tested."""
        yield from self._configuration()
        yield from self._place()
        yield from self._settings()
        yield from self._frames()

    # --- configuration

    def _configuration(self) -> Iterator[Swap]:
        before, after = (run.configs.get(step.id) for run, step in self._steps())
        if before is None or after is None:
            run = self._base if before is None else self._other
            yield Swap("configuration", (), None, f"{run.name} did not keep it")
            return
        differing = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if self._base_step.checks != self._step.checks:
            differing.append(_CHECKS)
        fixed = [key for key in _FIXED if key in differing]
        if fixed:
            yield Swap(
                "configuration", tuple(differing), None, f"{self._base.name} ran {before.get('component')}"
            )
            return
        masked = tuple(key for key in differing if MASK in str(before.get(key)))
        if masked:
            yield Swap("configuration", masked, None, f"masked in the log of {self._base.name}")
        keys = tuple(key for key in differing if key not in masked)
        yield from self._divided("configuration", keys, lambda names: self._with_config(before, names))

    def _with_config(self, before: Mapping[str, Any], keys: tuple[str, ...]) -> ReplayOptions:
        names = [key for key in keys if key != _CHECKS]
        step = replace(self._step, checks=self._base_step.checks) if _CHECKS in keys else None
        return replace(
            self._options,
            changes={key: before[key] for key in names if key in before},
            removed=frozenset(key for key in names if key not in before),
            plan=step,
        )

    # --- place

    def _place(self) -> Iterator[Swap]:
        before, after = place_of(self._base), place_of(self._other)
        is_same = before == after or before.target == after.target != "sandbox"
        if not is_same:
            names = [before.target]
            if before.target == "sandbox":
                names += [f"isolation {before.isolation}"]
                names += [f"memory limit {before.memory_limit}"] if before.memory_limit else []
            yield Swap("place", tuple(names), replace(self._options, place=before))

    # --- settings

    def _settings(self) -> Iterator[Swap]:
        before, after = (settings.from_dict(run.start["settings"]) for run, _ in self._steps())
        names = [
            name
            for name in before.to_dict()
            if name not in _FORCED and getattr(before, name) != getattr(after, name)
        ]
        planned = [
            key
            for key in ("timeout_s", "memory_bytes", "retry")
            if getattr(self._base_step, key) != getattr(self._step, key)
        ]
        yield from self._divided(
            "settings", (*names, *planned), lambda keys: self._with_settings(before, after, keys)
        )

    def _with_settings(self, before: Settings, after: Settings, names: tuple[str, ...]) -> ReplayOptions:
        own: dict[str, Any] = {name: getattr(before, name) for name in names if hasattr(before, name)}
        planned: dict[str, Any] = {
            name: getattr(self._base_step, name) for name in names if not hasattr(before, name)
        }
        return replace(
            self._options,
            settings=replace(after, **own),
            plan=replace(self._step, **planned) if planned else None,
        )

    # --- frames

    def _frames(self) -> Iterator[Swap]:
        frames: dict[str, ReusedStep] = {}
        for name, inputs in self._differing_inputs().items():
            if name not in self._base.steps:
                yield Swap("frames", (name,), None, f"{self._base.name} has no step {name!r}")
                continue
            try:
                asked = replace(self._base_step, needs=(), inputs=inputs)
                frames |= find_inputs(self._base, asked).reused
            except InputsGone:
                reason = f"{self._base.name} kept none; run --keep frames keeps them"
                yield Swap("frames", (name,), None, reason)
        yield from self._divided(
            "frames",
            tuple(frames),
            lambda names: replace(self._options, frames={name: frames[name] for name in names}),
        )

    def _differing_inputs(self) -> dict[str, dict[str, InputRef]]:
        """Return the inputs whose frame differs, by the step that they are from."""
        differing: set[str] = set()
        inputs: dict[str, dict[str, InputRef]] = {}
        before, after = (run.steps[step.id].frames for run, step in self._steps())
        for name, ref in manifests.bind_inputs(self._step).items():
            inputs.setdefault(ref.from_step, {})[name] = ref
            if before.get(ref) != after.get(ref):
                differing.add(ref.from_step)
        return {step: refs for step, refs in inputs.items() if step in differing}

    def _steps(self) -> tuple[tuple[PastRun, Step], tuple[PastRun, Step]]:
        return (self._base, self._base_step), (self._other, self._step)

    def _divided(self, kind: Any, names: tuple[str, ...], options: Any) -> Iterator[Swap]:
        """Yield a swap of all names, with one part a name; nothing without names."""
        if names:
            parts = tuple(Swap(kind, (name,), options((name,))) for name in names)
            yield Swap(kind, names, options(names), parts=parts)
