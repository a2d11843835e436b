"""Runs of tests that continue or use earlier runs, as the command ``resume`` does it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.planning.reused_step import RunOrigin
from osiris_inspect.runtime.proxy.proxy import RunRequest, RunResult, run
from osiris_inspect.runtime.replay.current_pipeline import current_pipeline
from osiris_inspect.runtime.replay.earlier.earlier_run import RunLock, read_earlier_run
from osiris_inspect.runtime.replay.resume import check_decided, check_not_continued, check_unfinished
from osiris_inspect.runtime.replay.reuse_plan import PlanEntry, PlanOptions, plan_steps, results_of
from tests.runtime.runs import TRANSPORTS, order


def plan(path: Path, request: RunRequest, options: PlanOptions | None = None) -> dict[str, PlanEntry]:
    """The plan by step of a run that continues the one in ``path``."""
    earlier = read_earlier_run(path)
    current = current_pipeline(
        request.compiled, request.components, request.connections, request.base, earlier
    )
    entries = plan_steps(earlier, current, options or PlanOptions())
    return {entry.step: entry for entry in entries}


def texts(entries: Mapping[str, PlanEntry]) -> dict[str, str]:
    """The entries as they are printed, without fingerprints and the names of runs."""
    return {step: " ".join(word for word in _words(entry)) for step, entry in entries.items()}


def _words(entry: PlanEntry) -> list[str]:
    if entry.action == "reuse":
        return ["reuse"]
    return str(entry).split(", its configuration")[0].split(" in run_")[0].split()


def resume(
    folder: Path,
    path: Path,
    *,
    text: str,
    on: str = "local",
    options: PlanOptions | None = None,
    connections: Connections | None = None,
    **more: Any,
) -> tuple[dict[str, PlanEntry], RunResult]:
    """Continue a run with a pipeline; return the plan and the new run."""
    more["connections"] = connections or Connections()
    request = order(folder, text=text, **more)
    earlier = read_earlier_run(path)
    with RunLock(path):
        check_unfinished(earlier)
        check_not_continued(earlier)
        entries = plan(path, request, options)
        check_decided(tuple(entries.values()))
        reused, expected = results_of(tuple(entries.values()))
        more |= {"reused": reused, "expected": expected, "origin": RunOrigin("resume", earlier.name)}
        outcome = run(order(folder, text=text, **more), TRANSPORTS[on]())
    return entries, outcome
