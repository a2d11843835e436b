"""Result of a step that a run takes over from an earlier run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from osiris_inspect.model.run_layout import FRAME_KEY
from osiris_inspect.model.run_types import RunOriginKind

ReusedHow = Literal["frame", "done", "accepted"]


@dataclass(frozen=True, slots=True)
class ReusedStep:
    """Result of a step that ran in an earlier run.

    Attributes:
        from_run: the name of the run that produced it.
        run_dir: the directory of a run that holds its frame; not used if it has none.
        fingerprint: the fingerprint of the frame in the log of that run; None for a step that keeps no frame.
        rows: the rows of the frame, or those that the step wrote; None if unknown.
        how: ``frame``: its frame is copied; ``done``: it succeeded, and is a writer or its frame is not needed;
            ``accepted``: a writer that wrote its rows, as the user says.
        code: the identity of the code of its driver, if it is known.
        other_frames: the fingerprints of the frames that it returned under other keys than ``df``, by key.
    """

    from_run: str
    run_dir: Path
    fingerprint: str | None = None
    rows: int | None = None
    how: ReusedHow = "frame"
    code: Mapping[str, Any] | None = None
    other_frames: Mapping[str, str] = field(default_factory=dict)

    @property
    def frames(self) -> dict[str, str]:
        """The fingerprints of its frames that are copied, by key."""
        own = {} if self.fingerprint is None else {FRAME_KEY: self.fingerprint}
        return {**own, **self.other_frames} if self.how == "frame" else {}


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """Earlier run that a run continues, repeats or takes frames from; ``step`` is the step that is repeated."""

    kind: RunOriginKind
    run: str
    step: str | None = None

    def to_dict(self, reused: Mapping[str, ReusedStep]) -> dict[str, Any]:
        """Return the field ``origin`` of ``run_start``.

        Its ``done`` names the writers that must not run again, so that a run that is killed at its beginning can be resumed.
        """
        done = [step for step, entry in reused.items() if entry.how != "frame"]
        return {"kind": self.kind, "run": self.run, "step": self.step, "done": done}
