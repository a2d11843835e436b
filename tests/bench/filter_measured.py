"""One question over a long log, in a process of its own: ``python -m tests.bench.filter_measured TASK LOG CACHE QUESTION``.

Prints one JSON object: CPU seconds of the question, after the imports and the index, and the memory above the start in MB.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.event_log.open_large_log import open_events
from osiris_inspect.inspector.event_log.search.search import search
from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.tables.sql_console import SqlConsole
from tests.bench.reading_measured import cpu, peak_mb

_POLL_S = 0.001


def measured(question: Callable[[], int]) -> dict[str, float]:
    """Return what a question costs, and how long another thread waited for the interpreter meanwhile."""
    waits, is_done = [0.0], threading.Event()

    def wait() -> None:
        while not is_done.is_set():
            begin = time.perf_counter()
            time.sleep(_POLL_S)
            waits.append(time.perf_counter() - begin - _POLL_S)

    thread = threading.Thread(target=wait)
    before, memory = cpu(), peak_mb()
    thread.start()
    count = question()
    is_done.set()
    thread.join()
    return {"cpu": cpu() - before, "memory": peak_mb() - memory, "count": count, "longest_wait": max(waits)}


def events(log: Path, cache: Path, question: str) -> dict[str, float]:
    """Filter events; their output is not measured."""
    import duckdb  # noqa: F401  as the peer, whose import is not measured either
    import pyarrow.compute
    import pyarrow.parquet  # noqa: F401

    opened = open_events(RunFiles(log.parent), cache, log.name)
    assert opened is not None
    return measured(lambda: sum(1 for _ in search(opened, parse(question))))


def sql(log: Path, cache: Path, question: str) -> dict[str, float]:
    """Ask a count in SQL."""
    with SqlConsole(analyze(log.parent, cache=cache)) as console:
        return measured(
            lambda: sum(
                batch.num_rows and batch.column(0)[0].as_py() for batch in console.stream(question).batches()
            )
        )


def peer(log: Path, _: Path, question: str) -> dict[str, float]:
    """Ask DuckDB the same, with the types of the columns."""
    import duckdb

    columns, condition = question.split("|")
    source = f"read_json('{log}', format = 'newline_delimited', columns = {{{columns}}})"
    with duckdb.connect() as connection:
        query = f"SELECT count(*) FROM {source} WHERE {condition}"
        return measured(lambda: int(connection.sql(query).fetchall()[0][0]))


def loop(log: Path, _: Path, question: str) -> dict[str, float]:
    """Ask a loop in Python the same: decode each line and compare one key."""
    import orjson

    key, _, value = question.partition("=")

    def count() -> int:
        with log.open("rb") as stream:
            return sum(orjson.loads(line).get(key) == int(value) for line in stream)

    return measured(count)


if __name__ == "__main__":
    task, log, cache, question = sys.argv[1:]
    tasks = {"events": events, "sql": sql, "peer": peer, "loop": loop}
    print(json.dumps(tasks[task](Path(log), Path(cache), question)))
