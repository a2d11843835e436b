"""Inputs of a step of an earlier run: their frames on disk, checked against the fingerprints of its log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from osiris_inspect.model import manifest as manifests
from osiris_inspect.model.errors import InputsGone, SpillCorrupt
from osiris_inspect.model.manifest import InputRef, Step
from osiris_inspect.model.run_layout import FRAME_KEY
from osiris_inspect.runtime.frames.spill.copy_spill import find_reusable
from osiris_inspect.runtime.planning.reused_step import ReusedStep
from osiris_inspect.runtime.replay.earlier.earlier_frames import sibling_runs
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, PastStep


@dataclass(frozen=True, slots=True)
class ReplayInputs:
    """Frames that steps take, by the step that returned them.

    Attributes:
        reused: frames on disk.
        recomputed: fingerprints of frames that are produced again, in the order of the pipeline.
    """

    reused: Mapping[str, ReusedStep] = field(default_factory=dict)
    recomputed: Mapping[str, str] = field(default_factory=dict)


def find_inputs(
    earlier: PastRun, step: Step, folder: Path | None = None, *, recompute: bool = False
) -> ReplayInputs:
    """Return the inputs of a step of an earlier run, with the fingerprints that its log has.

    They are searched in ``folder``, by default in the run and those beside it. With ``recompute`` the steps before it
    produce again what is not on disk.

    Raises:
        InputsGone: a frame is not on disk or is another one, and cannot be produced again.
    """
    places = (folder,) if folder is not None else (earlier.path, *sibling_runs(earlier.path))
    steps = {each.id: each for each in earlier.manifest.steps}
    reused: dict[str, ReusedStep] = {}
    recomputed: dict[str, str] = {}
    open_steps = [step]
    while open_steps:
        taker = open_steps.pop()
        for name, fingerprints in _expected(earlier, taker).items():
            if name in reused or name in recomputed:
                continue
            try:
                reused[name] = _find(earlier, name, fingerprints, places)
            except InputsGone as error:
                if not recompute:
                    raise
                if name not in steps or set(fingerprints) != {FRAME_KEY}:
                    raise InputsGone(error.message, fix="run the pipeline again") from error
                recomputed[name] = fingerprints[FRAME_KEY]
                open_steps.append(steps[name])
    order = [each.id for each in earlier.manifest.steps]
    return ReplayInputs(
        {name: reused[name] for name in order if name in reused},
        {name: recomputed[name] for name in order if name in recomputed},
    )


def _expected(earlier: PastRun, step: Step) -> dict[str, dict[str, str]]:
    """Return the fingerprints of the inputs of a step: by the step that they are from, and their key.

    Raises:
        InputsGone: the log has none for an input.
    """
    frames: dict[str, dict[str, str]] = {}
    for name, ref in manifests.bind_inputs(step).items():
        fingerprint = _fingerprint(earlier, step, ref)
        if fingerprint is None:
            raise InputsGone(
                f"input {name!r} of step {step.id!r} is not available: the log of {earlier.name} has no fingerprint of "
                f"{ref.key!r} of step {ref.from_step!r}",
                fix="run the pipeline again",
                step=step.id,
                run=earlier.name,
            )
        frames.setdefault(ref.from_step, {})[ref.key] = fingerprint
    return frames


def _fingerprint(earlier: PastRun, step: Step, ref: InputRef) -> str | None:
    resolved = _earlier_step(earlier, step.id).frames.get(ref)
    if resolved is not None or ref.key != FRAME_KEY:
        return resolved
    return _earlier_step(earlier, ref.from_step).fingerprint


def _find(earlier: PastRun, name: str, fingerprints: Mapping[str, str], places: Sequence[Path]) -> ReusedStep:
    """Return the frames of a step in the first place that has all of them.

    Raises:
        InputsGone: there is none; the message is about the first place.
    """
    damage: SpillCorrupt | None = None
    for place in places:
        try:
            found = {
                key: find_reusable(place, name, fingerprint, key) for key, fingerprint in fingerprints.items()
            }
        except SpillCorrupt as error:
            damage = damage or error
            continue
        before = _earlier_step(earlier, name)
        own = found.get(FRAME_KEY)
        others = {key: text for key, text in fingerprints.items() if key != FRAME_KEY}
        return ReusedStep(
            before.from_run,
            place.absolute(),  # a local run changes the working directory
            fingerprints.get(FRAME_KEY),
            own.rows if own is not None else None,
            "frame",
            before.code,
            others,
        )
    reason = damage.message if damage is not None else "no run has it"
    raise InputsGone(
        f"the frame of step {name!r} is not available: {reason}",
        fix="add --recompute to produce it again, or name a run that has it with --inputs",
        step=name,
        run=earlier.name,
    )


def _earlier_step(earlier: PastRun, step: str) -> PastStep:
    return earlier.steps.get(step) or PastStep(step, earlier.name)
