"""One comparison of two frames in a process of its own: ``python -m tests.bench.diff_measured TASK LEFT RIGHT``.

Prints CPU seconds and peak memory of the process as JSON. ``make LEFT RIGHT ROWS`` writes the two frames, and ``move
FROM TO`` the rows of one in another order.
"""

import json
import resource
import sys
from pathlib import Path

MIXED = """
    i AS id, i % 977 AS part, hash(i) % 1000000 AS amount, (hash(i + 1) % 100000) / 7.0 AS price, random() AS share,
    'name ' || (i % 5003) AS name, 'city ' || (i % 50) AS city, i % 3 = 0 AS is_new,
    TIMESTAMP '2026-01-01' + to_seconds(i) AS at, DATE '2026-01-01' + (i % 365)::INT AS day,
    ((i % 10007) / 100)::DECIMAL(12, 2) AS total, CASE WHEN i % 10 = 0 THEN NULL ELSE i % 97 END AS rank
"""


def make(left: str, right: str, rows: int) -> None:
    """Write a frame of 12 columns, and a copy in which 0.1 % of the cells of a column differ."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "2GB"})
    connection.execute("SELECT setseed(0.5)")
    connection.execute(f"COPY (SELECT {MIXED} FROM range({rows}) AS t(i)) TO '{left}' (COMPRESSION zstd)")
    changed = "* REPLACE (CASE WHEN id % 1000 = 7 THEN amount + 1 ELSE amount END AS amount)"
    connection.execute(f"COPY (SELECT {changed} FROM '{left}') TO '{right}' (COMPRESSION zstd)")


def move(source: str, target: str) -> None:
    """Write the rows of a frame in another order."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "2GB"})
    connection.execute(f"COPY (SELECT * FROM '{source}' ORDER BY hash(id)) TO '{target}' (COMPRESSION zstd)")


def scan(left: str, right: str) -> int:
    """Read every column of both frames."""
    import duckdb

    connection = duckdb.connect(config={"memory_limit": "400MB", "threads": 2})
    rows = 0
    for file in (left, right):
        columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall()]
        counts = ", ".join(f'max("{column}")' for column in columns)
        ((*_values, count),) = connection.execute(f"SELECT {counts}, count(*) FROM '{file}'").fetchall()
        rows += count
    return rows


def compare(task: str, left: str, right: str) -> int:
    """Compare both frames by position, by key, or as a whole, and return the rows that differ."""
    from osiris_inspect.inspector.tables.diff.frame_diff import FrameDiffOptions, diff_frames
    from osiris_inspect.inspector.tables.diff.frame_pair import FramePair
    from osiris_inspect.inspector.tables.diff.row_matching import RowMatching

    if task == "rows":
        with FramePair(Path(left), Path(right)) as pair:
            matched = RowMatching(pair, None, 20).by_rows()
        return matched.added + matched.removed
    found = diff_frames(Path(left), Path(right), FrameDiffOptions(key=("id",) if task == "key" else ()))
    assert found.method == task
    return found.changed


def main(task: str, left: str, right: str, *rows: str) -> None:
    """Run a task and print its cost."""
    if task == "make":
        make(left, right, int(rows[0]))
        return
    if task == "move":
        move(left, right)
        return
    result = scan(left, right) if task == "scan" else compare(task, left, right)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024, "result": result}
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
