"""Replays of one step of a run."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris_inspect.api.pipelines import Target
from osiris_inspect.api.runs import PathLike, Run, run_directories
from osiris_inspect.api.runs import open as open_run
from osiris_inspect.base.user_folders import user_folder

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """Outcome of a replayed step.

    Attributes:
        verdict: the last line of ``osiris-inspect replay``, such as ``same failure``; None if the step was not reached.
        error: the message of its failure, or why it was not reached.
        path: the new run directory.
    """

    verdict: str | None
    error: str | None
    path: Path

    @property
    def run(self) -> "Run":
        """The new run: the step, and those of its inputs."""
        return open_run(self.path)


def replay(  # noqa: PLR0913  one parameter an option of `osiris-inspect replay`
    run: PathLike,
    step: str,
    *,
    on: Target | None = None,
    changes: Mapping[str, Any] | None = None,
    inputs: PathLike | None = None,
    recompute: bool = False,
    allow_writes: bool = False,
    logs: PathLike | None = None,
) -> ReplayOutcome:
    """Run one step of an earlier run again, alone, on the inputs that it had; a failure is returned, not raised.

    Args:
        run: the run directory, or a folder whose newest run is used. It stays as it is.
        step: the step.
        on: where it runs; by default where it ran. During a local replay the working directory is the pipeline's folder.
        changes: values of its configuration by key, such as ``{"query": "..."}``.
        inputs: the run directory that its inputs are taken from.
        recompute: whether inputs that were not kept are produced again by the steps before it.
        allow_writes: whether a step that reads or writes files or databases may run.
        logs: the folder in which the run directory is created; by default beside the run, or ``logs`` for a run in an
            archive or a repro bundle, which runs isolated.

    Raises:
        InputsGone: an input is not on disk, or it is another frame than in the log; nothing ran.
        SettingsError: there is no such step, or it reads or writes outside of the run.
        MaskedConfiguration: a value of its configuration or connection is not available.
    """
    from osiris_inspect.inspector.archives.open_archives import name_in_archive
    from osiris_inspect.inspector.tables.diff.frame_diff import output_level
    from osiris_inspect.runtime.replay.replay import Replay, ReplayHost, ReplayOptions
    from osiris_inspect.runtime.replay.repro.foreign_replay import ForeignReplay, is_bundle

    path = run_directories(run)[0]
    is_foreign = name_in_archive(path) is not None or is_bundle(path)
    if is_foreign and logs is None:
        logs = "logs"
    options = ReplayOptions(
        target=on,
        changes=dict(changes or {}),
        inputs=None if inputs is None else Path(inputs),
        recompute=recompute,
        allow_writes=allow_writes,
        logs=None if logs is None else Path(logs),
    )
    host = ReplayHost(os.environ, private=(user_folder("cache"),), compare_frames=output_level)
    result = (ForeignReplay if is_foreign else Replay)(path, step, options, host).run()
    verdict = None if result.verdict is None else str(result.verdict)
    return ReplayOutcome(verdict, result.error, result.run.path)
