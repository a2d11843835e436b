"""Verdict of a replay: how the outcome of a step compares with that of the earlier run."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.failure.signature import FailureSignature, failure_level, failure_signature
from osiris_inspect.model.run_types import FailureLevel, OutputLevel
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, PastStep

Expectation = Literal["same", "success", "other"]
CompareFrames = Callable[[Path, Path], OutputLevel | None]
"""Compares two Parquet files; None if they cannot be compared."""
_OUTPUT_LEVELS: Final = get_args(OutputLevel)
_FAILURE_LEVELS: Final = get_args(FailureLevel)


class Verdict(NamedTuple):
    """Outcome of a step in a replay.

    Attributes:
        level: how it compares with the outcome in the earlier run.
        is_output: True if both succeeded and ``level`` compares their frames.
    """

    level: FailureLevel | OutputLevel
    is_output: bool = False

    @property
    def has_failed(self) -> bool:
        """True if the step failed."""
        return not self.is_output and self.level != "succeeded"

    @property
    def is_same(self) -> bool:
        """True if the step failed or succeeded as in the earlier run."""
        return self.level == "identical" if self.is_output else self.level.startswith("same failure")

    @property
    def rank(self) -> int:
        """Order of verdicts, those most like the earlier run first."""
        return (_OUTPUT_LEVELS if self.is_output else _FAILURE_LEVELS).index(self.level)

    def meets(self, expected: Expectation) -> bool:
        """Return True if the verdict is the expected one."""
        if expected == "success":
            return not self.has_failed
        return self.is_same if expected == "same" else not self.is_same

    def __str__(self) -> str:
        if self.is_output:
            return f"output {self.level}"
        return "same failure" if self.level == _FAILURE_LEVELS[0] else self.level


def judge(earlier: PastRun, later: PastRun, step: str, compare: CompareFrames | None = None) -> Verdict:
    """Return the verdict about a step that ran in both runs."""
    before, after = earlier.steps[step], later.steps[step]
    if after.status != "succeeded":
        if before.status != "failed":
            return Verdict("other failure")
        words = [
            (each.error or "").replace(run.name, "") for each, run in ((before, earlier), (after, later))
        ]
        return Verdict(
            failure_level(_signature(before), _signature(after), has_same_message=words[0] == words[1])
        )
    if not before.is_done or before.fingerprint is None or after.fingerprint is None:
        return Verdict("succeeded")
    return Verdict(_output_level(earlier, later, step, compare), is_output=True)


def _signature(step: PastStep) -> FailureSignature:
    return failure_signature(step.error or "", step.error_type, step.traceback)


def _output_level(earlier: PastRun, later: PastRun, step: str, compare: CompareFrames | None) -> OutputLevel:
    before, after = earlier.steps[step], later.steps[step]
    if before.fingerprint == after.fingerprint:
        return "identical"
    files = [run.path / layout.spill_path(step) for run in (earlier, later)]
    level = compare(*files) if compare is not None and all(file.is_file() for file in files) else None
    if level is not None and level != "identical":
        return level
    is_same_shape = before.rows == after.rows and before.schema_hash == after.schema_hash
    return "same shape" if is_same_shape else "other"
