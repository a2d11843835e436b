"""One measurement of a long log, in a process of its own: ``python -m tests.bench.reading_measured TASK LOG CACHE``.

Prints one JSON object, with the peak of the process's memory in MB.
"""

import itertools
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.engine import builtin_rules, run_rules
from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.event_log.index.index_file import IndexCache, open_index
from osiris_inspect.inspector.event_log.search.search import candidate_chunks
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.lineage import build_lineage

STEPS = ("extract-movies", "extract-directors", "compute-stats", "join-all", "write-stats")
NEEDS = {
    "compute-stats": ["extract-movies"],
    "join-all": ["compute-stats", "extract-directors"],
    "write-stats": ["join-all"],
}
FILTER = "event=step_failed step=join-all"


def cpu() -> float:
    """Seconds of CPU of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> int:
    # of this process alone: getrusage starts with the peak of the parent process
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def descriptor_of(log: Path) -> int:
    return os.open(log, os.O_RDONLY)


def index(log: Path, _: Path) -> dict[str, float]:
    """Index the log as the first opening of a run does, without writing the index."""
    begin = time.perf_counter()
    made = open_index(descriptor_of(log), None)
    return {"seconds": time.perf_counter() - begin, "cpu": cpu(), "lines": len(made)}


def duckdb_count(log: Path, _: Path) -> dict[str, float]:
    import duckdb

    columns = {
        "ts": "TIMESTAMP",
        "seq": "BIGINT",
        "session": "VARCHAR",
        "event": "VARCHAR",
        "step_id": "VARCHAR",
    }
    begin = time.perf_counter()
    query = f"SELECT event, count(*) FROM read_ndjson('{log}', columns = {columns}) GROUP BY 1"
    rows = duckdb.sql(query).fetchall()
    return {
        "seconds": time.perf_counter() - begin,
        "cpu": cpu(),
        "lines": sum(count for _, count in rows),
    }


def open_again(log: Path, cache: Path) -> dict[str, float]:
    descriptor = descriptor_of(log)
    begin = time.perf_counter()
    made = open_index(descriptor, IndexCache(cache))
    return {"seconds": time.perf_counter() - begin, "lines": len(made)}


def questions(log: Path, cache: Path) -> dict[str, float]:
    made = open_index(descriptor_of(log), IndexCache(cache))
    query = parse(FILTER)

    def seconds(ask: Callable[[], object], rounds: int = 7) -> float:
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            ask()
            times.append(time.perf_counter() - begin)
        return statistics.median(times)

    return {
        "filter": seconds(lambda: list(candidate_chunks(made, query))),
        "next_failure": seconds(lambda: made.next_failure(len(made) // 2)),
        "timeline": seconds(lambda: made.timeline(140)),
        "key_lines": seconds(lambda: made.key_lines(64)),
        "found": sum(map(len, candidate_chunks(made, query))),
    }


def timeline(log: Path, _: Path) -> dict[str, float]:
    return {"buckets": len(open_index(descriptor_of(log), None).timeline(140))}


def report(log: Path, cache: Path) -> dict[str, float]:
    begin = time.perf_counter()
    made = analyze(log.parent, now=4e9, cache=cache)
    return {"seconds": time.perf_counter() - begin, "events": len(made.run.events)}


def rules(log: Path, cache: Path) -> dict[str, float]:
    """Return the CPU of the index, of reading the run, and of the rules."""
    planned = [{"id": step, "driver": "duckdb.processor", "needs": NEEDS.get(step, [])} for step in STEPS]
    (log.parent / "manifest.yaml").write_text(json.dumps({"name": "bench", "steps": planned}))
    builtin_rules()
    marks = [cpu()]
    open_index(descriptor_of(log), None)
    marks.append(cpu())
    run = load(log.parent, now=4e9, cache=cache)
    marks.append(cpu())
    findings, skipped = run_rules(run, build_lineage(run))
    marks.append(cpu())
    indexed, loaded, spent = (end - begin for begin, end in itertools.pairwise(marks))
    return {
        "index": indexed,
        "load": loaded,
        "rules": spent,
        "asked": len(builtin_rules()) - len(skipped),
        "findings": len(findings),
    }


TASKS: dict[str, Callable[[Path, Path], dict[str, float]]] = {
    task.__name__: task for task in (index, duckdb_count, open_again, questions, timeline, report, rules)
}


if __name__ == "__main__":
    name, log, cache = sys.argv[1:]
    found: dict[str, Any] = TASKS[name](Path(log), Path(cache))
    print(json.dumps({**found, "peak_mb": peak_mb()}))
