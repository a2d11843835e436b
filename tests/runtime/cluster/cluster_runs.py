"""Runs on a local Dask cluster."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson

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


@contextmanager
def dask_processes(folder: Path, *workers: Sequence[str]) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Start a scheduler and a worker with each of the options; give the scheduler's address and process."""
    file, dask = folder / "scheduler.json", [sys.executable, "-m", "dask"]
    place = ("--host", "127.0.0.1", "--scheduler-file", str(file))
    with ExitStack() as stack, (folder / "dask.log").open("wb") as log:

        def start(*words: str) -> "subprocess.Popen[bytes]":
            process = subprocess.Popen([*dask, *words], stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start("scheduler", *place, "--port", "0", "--no-dashboard")
        until = time.monotonic() + 60
        while not file.exists():
            assert time.monotonic() < until, "the scheduler did not start"
            time.sleep(0.02)
        for options in workers:
            start("worker", *place, "--nthreads", "1", *options)
        yield orjson.loads(file.read_bytes())["address"], scheduler
