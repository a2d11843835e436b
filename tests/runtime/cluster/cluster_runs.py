"""Runs on a local Dask cluster."""

import time
from pathlib import Path
from typing import Any

from osiris_inspect.runtime import settings
from osiris_inspect.runtime.cluster.dask_engine import DaskEngine
from osiris_inspect.runtime.cluster.run_loop import ClusterOptions, run_on_cluster
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.proxy import RunResult
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from tests.runtime.cluster.counting import COMPONENTS
from tests.runtime.pipelines import with_movies


def cluster_request(folder: Path, text: str, env: dict[str, str] | None = None, **more: Any) -> RunRequest:
    """The request of a run in ``folder``."""
    base = with_movies(folder)
    compiled = compile_pipeline(text, "pipeline.yaml", COMPONENTS)
    return RunRequest(
        compiled, settings.read(env or {}), folder / "logs", base, time.time, components=COMPONENTS, **more
    )


def run_here(
    folder: Path,
    text: str,
    shared: str,
    *,
    engine: DaskEngine | None = None,
    isolation: str = "none",
    **more: Any,
) -> RunResult:
    """Run a pipeline on a cluster of two processes, or on ``engine``."""
    request = cluster_request(folder, text, **more)
    options = ClusterOptions(shared, isolation=isolation)
    return run_on_cluster(request, engine or DaskEngine(), options)
