"""A trace for Perfetto and ``chrome://tracing``: process = run, thread 0 = its phases, thread = step, arrow = frame or order, counter = memory.

Times are in microseconds from the start of each run. A step without times has no span; the name of its thread says so.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from osiris_inspect.inspector.export.shared.spans import Span, run_spans
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.timeline import RunPhase
from osiris_inspect.inspector.text.sanitize import one_line
from osiris_inspect.model.event import finite_number


def render(reports: Sequence[Report], out: TextIO, **_ignored: object) -> None:
    """Write one document with every run."""
    events = [event for number, report in enumerate(reports, start=1) for event in _run(report, number)]
    out.write('{"displayTimeUnit": "ms", "traceEvents": [\n')
    out.write(",\n".join(json.dumps(event) for event in events))
    out.write("\n]}\n")


def _run(report: Report, pid: int) -> Iterator[dict[str, Any]]:
    run, times = report.run, run_spans(report.run)
    known, start = times.spans, min(times.start, *(phase.begin for phase in times.phases), math.inf)
    threads = {step.id: tid for tid, step in enumerate(run.steps, start=1)}
    yield _named("process_name", pid, 0, f"{one_line(run.pipeline or '?')} {one_line(run.id)} {run.status}")
    if times.phases:
        yield _named("thread_name", pid, 0, "phases of the run")
    yield from (_phase(phase, pid, start, times.end) for phase in times.phases)
    for step, tid in threads.items():
        unknown = "" if step in known else " (no time is known)"
        yield _named("thread_name", pid, tid, one_line(step) + unknown)
        yield {"ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": {"sort_index": tid}}
    for step, span in known.items():
        yield _span(span, pid, threads[step], start)
    yield from _arrows(report, known, pid, start)
    yield from _memory(report, pid, start)


def _named(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _span(span: Span, pid: int, tid: int, start: float) -> dict[str, Any]:
    step = span.step
    details = {
        "status": step.status,
        "driver": one_line(step.driver) if step.driver else None,
        "rows_in": step.rows_in,
        "rows_out": step.rows_out,
        "storage": step.storage,
        "error": one_line(step.failure.message) if step.failure else None,
    }
    return {
        "ph": "X",
        "name": one_line(step.id),
        "cat": "step",
        "pid": pid,
        "tid": tid,
        "ts": _us(span.start - start),
        "dur": _us(span.end - span.start),
        "args": {key: value for key, value in details.items() if value is not None},
    }


def _phase(phase: RunPhase, pid: int, start: float, end: float) -> dict[str, Any]:
    share = {"share_of_run": round(phase.seconds / (end - start), 3)} if end > start else {}
    return {
        "ph": "X",
        "name": one_line(phase.name),
        "cat": "phase",
        "pid": pid,
        "tid": 0,
        "ts": _us(phase.begin - start),
        "dur": _us(phase.seconds),
        "args": share if phase.bytes is None else {**share, "bytes": phase.bytes},
    }


def _arrows(report: Report, known: Mapping[str, Span], pid: int, start: float) -> Iterator[dict[str, Any]]:
    tids = {step.id: tid for tid, step in enumerate(report.run.steps, start=1)}
    for number, edge in enumerate(report.lineage.all_edges):
        if edge.producer not in known or edge.consumer not in known:
            continue  # an arrow needs a span at both ends
        kind = "order" if edge.location == "order" else "frame"
        shared = {"name": one_line(edge.name) or kind, "cat": kind, "id": f"{pid}.{number}", "pid": pid}
        sent, taken = known[edge.producer].end, known[edge.consumer].start
        yield {"ph": "s", **shared, "tid": tids[edge.producer], "ts": _us(min(sent, taken) - start)}
        yield {"ph": "f", "bp": "e", **shared, "tid": tids[edge.consumer], "ts": _us(taken - start)}


def _memory(report: Report, pid: int, start: float) -> Iterator[dict[str, Any]]:
    for event in report.run.events_named("heartbeat"):
        used = next(
            (finite_number(event.fields.get(key)) for key in ("rss", "rss_bytes") if key in event.fields),
            None,
        )
        if used is not None and event.ts is not None:
            at = _us(event.ts - start)
            yield {
                "ph": "C",
                "name": "worker memory",
                "pid": pid,
                "tid": 0,
                "ts": at,
                "args": {"bytes": used},
            }


def _us(seconds: float) -> int:
    return max(0, round(seconds * 1_000_000))
