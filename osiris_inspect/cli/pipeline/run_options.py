"""What ``compile`` and ``run`` take on their command lines."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class RunTarget(StrEnum):
    """Where a pipeline can run."""

    LOCAL = "local"
    SANDBOX = "sandbox"
    E2B = "e2b"


class IsolationLevel(StrEnum):
    """How far a local sandbox is kept apart from its host."""

    AUTO = "auto"
    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    NONE = "none"


class Fetched(StrEnum):
    """Which artifacts come back from a worker with a run directory of its own."""

    NONE = "none"
    SMALL = "small"
    ALL = "all"


Pipeline = Annotated[
    Path, typer.Argument(help="The pipeline file.", metavar="PIPELINE.yaml", show_default=False)
]
Params = Annotated[
    list[str],
    typer.Option("--param", "-p", help="A parameter as name=value; again for more.", metavar="NAME=VALUE"),
]
Logs = Annotated[Path, typer.Option(help="The folder of runs.", file_okay=False)]
Profile = Annotated[
    str | None, typer.Option(help="Which of the pipeline's profiles sets its parameters.", show_default=False)
]
ConnectionsOption = Annotated[
    Path | None,
    typer.Option(
        "--connections",
        help="The connections file; otherwise osiris_connections.yaml here or beside the pipeline.",
        metavar="FILE",
        show_default=False,
    ),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        help="Variables as NAME=value lines; otherwise .env beside the connections file. The environment comes first.",
        metavar="FILE",
        show_default=False,
    ),
]
MaybePipeline = Annotated[
    Path | None, typer.Argument(help="The pipeline file.", metavar="PIPELINE.yaml", show_default=False)
]
LastCompile = Annotated[
    bool, typer.Option("--last-compile", help="Run what the latest compile under LOGS wrote.")
]
TargetOption = Annotated[
    RunTarget,
    typer.Option(
        "--on",
        help="local: in this process. sandbox: a worker process of its own, over stdio. e2b: a sandbox of E2B.",
    ),
]
IsolationOption = Annotated[
    IsolationLevel,
    typer.Option(
        help="How far --on sandbox is kept apart; auto is the best that works here, doctor says which."
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        help="Memory that the worker of --on sandbox may ask for, such as 2GB; over it its step fails with a MemoryError.",
        metavar="SIZE",
        show_default=False,
    ),
]
ArtifactsOption = Annotated[
    Fetched,
    typer.Option(help="Artifacts to bring back from e2b; small: up to 5 MiB each. Outputs always come."),
]
InstallDeps = Annotated[bool, typer.Option("--install-deps", help="Install modules that the worker misses.")]
BaseDirOption = Annotated[
    Path,
    typer.Option(
        help="The folder that relative paths in the pipeline start from.", exists=True, file_okay=False
    ),
]
ForceSpill = Annotated[
    bool | None,
    typer.Option(
        "--force-spill/--no-force-spill",
        help="Put every frame on disk (E2B_FORCE_SPILL).",
        show_default=False,
    ),
]
SpillThreshold = Annotated[
    str | None,
    typer.Option(help="Rows above which a frame goes to disk (E2B_SPILL_THRESHOLD).", metavar="ROWS"),
]
StepTimeout = Annotated[
    str | None, typer.Option(help="Seconds a step may take (E2B_STEP_TIMEOUT).", metavar="SECONDS")
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="End the run at the first failed step.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
