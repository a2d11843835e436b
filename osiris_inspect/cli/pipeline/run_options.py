"""Options of ``compile`` and ``run``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from osiris_inspect.cli.support.completion import complete_run

SANDBOX: Final = "Sandbox and E2B"
SELECTION: Final = "Part of the pipeline"
LIMITS: Final = "Memory and time"
KEPT: Final = "Frames on disk"
CLUSTER: Final = "Several machines"


class RunTarget(StrEnum):
    """Targets of a run."""

    LOCAL = "local"
    SANDBOX = "sandbox"
    E2B = "e2b"
    DASK = "dask"


class ReplayTarget(StrEnum):
    """Targets of a step that runs again."""

    LOCAL = "local"
    SANDBOX = "sandbox"
    E2B = "e2b"


class IsolationLevel(StrEnum):
    """Isolation of a local sandbox from its host."""

    AUTO = "auto"
    BWRAP = "bwrap"
    LANDLOCK = "landlock"
    NONE = "none"


class Fetched(StrEnum):
    """Artifacts to download from a remote worker."""

    NONE = "none"
    SMALL = "small"
    ALL = "all"


class Captured(StrEnum):
    """Times at which the inputs of a step are written to disk."""

    ON_FAILURE = "on-failure"
    ALWAYS = "always"
    NEVER = "never"


class Kept(StrEnum):
    """Frames that stay on disk after a run."""

    FAILED = "failed"
    FRAMES = "frames"


Pipeline = Annotated[
    Path, typer.Argument(help="The pipeline file.", metavar="PIPELINE.yaml", show_default=False)
]
Params = Annotated[
    list[str],
    typer.Option("--param", "-p", help="Set a parameter (repeatable).", metavar="NAME=VALUE"),
]
Logs = Annotated[Path, typer.Option(help="Use this folder of runs.", file_okay=False)]
Profile = Annotated[
    str | None, typer.Option(help="Use the parameters of this profile of the pipeline.", show_default=False)
]
ConnectionsOption = Annotated[
    Path | None,
    typer.Option(
        "--connections",
        help="Read connections from FILE; default: osiris_connections.yaml.",
        metavar="FILE",
        show_default=False,
    ),
]
EnvFile = Annotated[
    Path | None,
    typer.Option(
        help="Read variables from FILE; default: .env beside the connections file.",
        metavar="FILE",
        show_default=False,
    ),
]
MaybePipeline = Annotated[
    Path | None, typer.Argument(help="The pipeline file.", metavar="PIPELINE.yaml", show_default=False)
]
LastCompile = Annotated[
    bool, typer.Option("--last-compile", help="Run the latest compiled pipeline under LOGS.")
]
AllowEdited = Annotated[
    bool,
    typer.Option("--allow-edited", help="Let --last-compile run files that were edited after `compile`."),
]
TargetOption = Annotated[
    RunTarget,
    typer.Option("--on", help="Run in this process (local), another one, E2B or a Dask cluster."),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        help="Connect to the Dask scheduler at tls://HOST:PORT or tcp://HOST:PORT.",
        metavar="ADDRESS",
        envvar="OSIRIS_SCHEDULER",
        rich_help_panel=CLUSTER,
        show_default=False,
    ),
]
Machines = Annotated[
    int | None,
    typer.Option(
        help="Start N worker processes on this machine instead; default: 2.",
        metavar="N",
        min=1,
        rich_help_panel=CLUSTER,
        show_default=False,
    ),
]
Shared = Annotated[
    str | None,
    typer.Option(
        help="Exchange frames in this folder or bucket, which all machines reach.",
        metavar="DIR|URL",
        envvar="OSIRIS_SHARED",
        rich_help_panel=CLUSTER,
        show_default=False,
    ),
]
SchedulerTimeout = Annotated[
    float,
    typer.Option(
        help="Wait for the scheduler, also if it is lost.",
        metavar="SECONDS",
        min=1,
        rich_help_panel=CLUSTER,
    ),
]
KeepShared = Annotated[
    bool,
    typer.Option(
        "--keep-shared", help="Keep the files of --shared after a success.", rich_help_panel=CLUSTER
    ),
]
InsecureCluster = Annotated[
    bool,
    typer.Option(
        "--insecure-cluster", help="Send secrets over connections without TLS.", rich_help_panel=CLUSTER
    ),
]
IsolationOption = Annotated[
    IsolationLevel,
    typer.Option(
        help="Isolate --on sandbox; auto = strongest available (see `doctor`).", rich_help_panel=SANDBOX
    ),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        help="Limit the memory of --on sandbox, such as 2GB; --jobs share it.",
        rich_help_panel=SANDBOX,
        metavar="SIZE",
        show_default=False,
    ),
]
ArtifactsOption = Annotated[
    Fetched,
    typer.Option(help="Download artifacts from E2B; small = up to 5 MiB each.", rich_help_panel=SANDBOX),
]
InstallDeps = Annotated[bool, typer.Option("--install-deps", help="Install missing Python packages first.")]
BaseDirOption = Annotated[
    Path | None,
    typer.Option(
        help="Start relative paths at DIR; default: the pipeline's folder.",
        metavar="DIR",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
ForceSpill = Annotated[
    bool | None,
    typer.Option(
        "--force-spill/--no-force-spill",
        help="Write every frame to disk (E2B_FORCE_SPILL).",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]
SpillThreshold = Annotated[
    str | None,
    typer.Option(
        help="Write frames with more rows to disk (E2B_SPILL_THRESHOLD).",
        metavar="ROWS",
        rich_help_panel=LIMITS,
    ),
]
StepTimeout = Annotated[
    str | None,
    typer.Option(
        help="Stop a step after this many seconds (E2B_STEP_TIMEOUT).",
        metavar="SECONDS",
        rich_help_panel=LIMITS,
    ),
]
HangTimeout = Annotated[
    str | None,
    typer.Option(
        help="Stop a worker that hangs for this many seconds (E2B_HANG_TIMEOUT).",
        rich_help_panel=LIMITS,
        metavar="SECONDS",
        show_default=False,
    ),
]
CaptureOption = Annotated[
    Captured | None,
    typer.Option(
        "--capture",
        help="Keep inputs when a step fails (default), always or never (E2B_CAPTURE).",
        rich_help_panel=KEPT,
        show_default=False,
    ),
]
CaptureLimit = Annotated[
    str | None,
    typer.Option(
        help="Limit the kept inputs from E2B; default: 256MiB (E2B_CAPTURE_LIMIT).",
        metavar="SIZE",
        rich_help_panel=KEPT,
        show_default=False,
    ),
]
KeepOption = Annotated[
    Kept | None,
    typer.Option(
        "--keep",
        help="Keep what failed steps need (default), or all frames (E2B_KEEP).",
        rich_help_panel=KEPT,
        show_default=False,
    ),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="End the run at the first failed step.")]
Jobs = Annotated[
    str,
    typer.Option("--jobs", "-j", help="Run up to N steps at a time; auto = one per core.", metavar="N|auto"),
]
OnFailure = Annotated[
    str | None,
    typer.Option(
        "--on-failure",
        help="Run CMD with the verdict as JSON on stdin if the run fails.",
        metavar="CMD",
        show_default=False,
    ),
]
OpenViewer = Annotated[bool, typer.Option("--open", help="Open the run in the viewer when it has ended.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress on stderr.")]

Only = Annotated[
    list[str],
    typer.Option(
        help="Run these steps: id, +id, id+, 2+id, tag:name, glob; commas.",
        metavar="STEPS",
        rich_help_panel=SELECTION,
    ),
]
Exclude = Annotated[
    list[str], typer.Option(help="Leave these steps out.", metavar="STEPS", rich_help_panel=SELECTION)
]
From = Annotated[
    list[str],
    typer.Option(
        "--from", help="Run these steps and those after them.", metavar="STEPS", rich_help_panel=SELECTION
    ),
]
To = Annotated[
    list[str],
    typer.Option(
        "--to", help="Run these steps and those before them.", metavar="STEPS", rich_help_panel=SELECTION
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print the steps that would run, and why.", rich_help_panel=SELECTION),
]
InputsFrom = Annotated[
    Path | None,
    typer.Option(
        "--inputs-from",
        help="Take frames that selected steps need from this run.",
        metavar="RUN",
        rich_help_panel=SELECTION,
        show_default=False,
        autocompletion=complete_run,
    ),
]
Reuse = Annotated[
    bool,
    typer.Option(
        "--reuse", help="Take frames of unchanged steps from runs under LOGS.", rich_help_panel=SELECTION
    ),
]
