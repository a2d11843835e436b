"""Differences of two runs."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from osiris_inspect.api.runs import PathLike, Run
from osiris_inspect.api.runs import open as open_run
from osiris_inspect.api.tables import PRE

if TYPE_CHECKING:
    from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
    from osiris_inspect.inspector.run.comparison.run_diff import RunDiff


class Diff:
    """The differences of two runs.

    Attributes:
        result: the comparison with all its values.
    """

    def __init__(self, result: "RunDiff") -> None:
        self.result = result

    @property
    def differs(self) -> bool:
        """True if a step diverges, or the runs ended differently."""
        return self.result.differs

    @property
    def first(self) -> tuple[str, ...]:
        """The steps where the runs first diverge."""
        return tuple(step.step for step in self.result.first)

    @property
    def causes(self) -> tuple[str, ...]:
        """The differences that may have caused it, the most likely first, secrets masked."""
        from osiris_inspect.inspector.run.comparison.diff_words import difference_name, difference_words

        return tuple(f"{difference_name(entry)}: {difference_words(entry)}" for entry in self.result.ranked)

    @property
    def frames(self) -> "Mapping[str, FrameChanges]":
        """The differences of the frames that both runs kept on disk, by step."""
        return self.result.frames

    def to_dict(self, *, show_values: bool = False) -> dict[str, Any]:
        """Return what ``osiris-inspect diff --format json`` prints; values of frames only with ``show_values``."""
        from osiris_inspect.inspector.export.diff.json import document

        return document(self.result, show_values=show_values)

    def __str__(self) -> str:
        from osiris_inspect.inspector.export.diff.text import lines

        return "\n".join(lines(self.result))

    def __repr__(self) -> str:
        from osiris_inspect.inspector.run.comparison.diff_words import headline

        return f"<diff: {headline(self.result)}>"

    def _repr_html_(self) -> str:
        return f"{PRE}{escape(str(self))}</pre>"


def diff(a: "PathLike | Run", b: "PathLike | Run") -> "Diff":
    """Compare two runs: where they first diverge, and which differences may have caused it.

    If only ``b`` succeeded, it becomes the run that works. Frames on disk are compared as ``osiris-inspect diff`` does.

    Raises:
        RunNotReadable: there is no run at a path.
    """
    from osiris_inspect.inspector.analysis.diff import diff_runs
    from osiris_inspect.inspector.analysis.stored_frames import StoredFrames
    from osiris_inspect.inspector.tables.diff.frame_diff import FrameDiffOptions

    runs = [side if isinstance(side, Run) else open_run(side) for side in (a, b)]
    frames = StoredFrames(FrameDiffOptions(), is_asked_for=False)
    return Diff(diff_runs(runs[0]._report.run, runs[1]._report.run, frames=frames))
