"""Options of ``run --on dask``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.cli.pipeline.execution.execute import RunOptions
    from osiris_inspect.runtime.proxy.proxy import RunRequest, RunResult

_DEFAULT_MACHINES = 2


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Cluster of a run: a scheduler, or a number of processes on this machine."""

    scheduler: str | None = None
    machines: int | None = None
    shared: str | None = None
    timeout_s: float = 60.0
    keep_shared: bool = False
    allow_insecure: bool = False


def check_cluster(choice: ClusterChoice) -> None:
    """Check the options of a cluster.

    Raises:
        SettingsError: one is missing or invalid.
    """
    if not choice.shared:
        raise SettingsError(
            "--on dask needs --shared",
            kind="config-value-missing",
            fix="name a folder that all machines share, or a URL such as s3://bucket/osiris (OSIRIS_SHARED)",
            option="--shared",
        )
    if choice.scheduler is None:
        return
    if choice.machines is not None:
        raise SettingsError(
            "--machines starts a cluster on this machine, and --scheduler names another",
            fix="omit one of them",
            option="--machines",
        )
    address = urlsplit(choice.scheduler)
    if address.scheme not in ("tcp", "tls") or not address.hostname:
        raise SettingsError(
            f"invalid --scheduler {choice.scheduler!r}",
            fix="write tls://HOST:PORT, or tcp://HOST:PORT",
            option="--scheduler",
            value=choice.scheduler,
        )


def recorded_store(shared: str | None) -> str | None:
    """Return the shared store for the log of a run: a folder is absolute, for another working directory."""
    return shared if shared is None or "://" in shared else str(Path(shared).expanduser().absolute())


def run_on_dask(request: "RunRequest", options: "RunOptions") -> "RunResult":
    """Run a pipeline on a Dask cluster.

    Raises:
        RunError: the run directory cannot be created.
        SettingsError: the packages are missing, or the shared store cannot be used.
    """
    from osiris_inspect.cli.pipeline.execution.execute import resource_limits
    from osiris_inspect.runtime.cluster.dask_engine import DaskEngine
    from osiris_inspect.runtime.cluster.run_loop import ClusterOptions, run_on_cluster

    choice = options.cluster or ClusterChoice()
    check_cluster(choice)
    limits = resource_limits(options.memory)
    engine = DaskEngine(
        choice.scheduler, choice.machines or _DEFAULT_MACHINES, allow_insecure=choice.allow_insecure
    )
    cluster = ClusterOptions(
        str(choice.shared),
        choice.timeout_s,
        choice.keep_shared,
        options.isolation.value,
        limits.memory_bytes if limits else None,
    )
    return run_on_cluster(request, engine, cluster)
