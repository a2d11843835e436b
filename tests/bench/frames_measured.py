"""One measurement of storing frames, in a process of its own: ``python -m tests.bench.frames_measured TASK ROWS FOLDER``.

Prints one JSON object: CPU seconds, wall seconds, and memory in MB. The peak is the kernel's, reset before the measured part.
"""

import gc
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.model.manifest import InputRef
from osiris_inspect.runtime.drivers.interface.driver import load_driver
from osiris_inspect.runtime.drivers.step_checks.checker import check_frame
from osiris_inspect.runtime.frames import memory
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.protocol.cancellation import CancelToken
from tests.runtime.driving import context, drive, handed

SQL = """SELECT city, kind, count(*) AS n, sum(amount) AS total, avg(score) AS score, max(created) AS last
FROM df {rows} GROUP BY city, kind ORDER BY ALL"""
ALL, HALF = "", "WHERE ok"
"""The rows that the query reads."""


def mixed_frame(rows: int, seed: int = 0) -> pd.DataFrame:
    """Twelve columns of nine kinds: about 104 MB for a million rows."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=rows)
    score[rng.random(rows) < 0.1] = np.nan
    count = rng.integers(0, 1000, rows)
    created = np.datetime64("2024-01-01", "us") + rng.integers(0, 10**13, rows).astype("m8[us]")
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "customer": rng.integers(0, 10**6, rows),
            "amount": rng.random(rows) * 1000,
            "score": score,
            "price": np.round(rng.random(rows) * 100, 2),
            "email": _text(rng.integers(0, 10**9, rows), "user-"),
            "city": _words(rng.integers(0, 500, rows), "city "),
            "created": created,
            "updated": pd.Series(created).dt.tz_localize("UTC").dt.tz_convert("Europe/Prague"),
            "kind": pd.Categorical.from_codes(rng.integers(0, 5, rows), categories=["a", "b", "c", "d", "e"]),
            "ok": rng.random(rows) < 0.5,
            "count": pd.arrays.IntegerArray(count, rng.random(rows) < 0.2),
        }
    )


def _text(numbers: Any, prefix: str) -> Any:
    digits = pa.array(numbers).cast(pa.large_string())
    joined = pa.compute.binary_join_element_wise(
        pa.scalar(prefix, pa.large_string()), digits, pa.scalar("", pa.large_string())
    )
    return pd.array(joined, dtype="str")


def _words(numbers: Any, prefix: str) -> Any:
    words = pa.array([f"{prefix}{number}" for number in range(500)], pa.large_string())
    return pd.array(words.take(pa.array(numbers)), dtype="str")


def status(name: str) -> float:
    """A line of the kernel's account of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


class Measured:
    """CPU, time and extra peak of what happens inside."""

    def __enter__(self) -> "Measured":
        memory.release_free_memory()
        Path("/proc/self/clear_refs").write_text("5")
        self._rss = status("VmRSS")
        self._start, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self._cpu
        self.seconds = time.perf_counter() - self._start
        self.extra_peak = status("VmHWM") - self._rss

    def as_json(self) -> dict[str, float]:
        return {"cpu_s": self.cpu, "wall_s": self.seconds, "extra_peak_mb": self.extra_peak}


def to_parquet(rows: int, folder: Path) -> dict[str, Any]:
    frame = mixed_frame(rows)
    with Measured() as measured:
        frame.to_parquet(folder / "plain.parquet")
    return measured.as_json() | {"file_mb": (folder / "plain.parquet").stat().st_size / 1e6}


def _step(component: str, file: Path, rows: int) -> dict[str, Any]:
    load_driver(component)  # the worker has imported it
    ctx, resolved = context(file.parent), handed(file.parent, mixed_frame(rows))
    with Measured() as measured:
        drive(component, {"path": str(file)}, ctx, df=resolved)
    return measured.as_json() | {"file_mb": file.stat().st_size / 1e6}


def parquet_step(rows: int, folder: Path) -> dict[str, Any]:
    """A step of ``filesystem.parquet_writer``, whose compression is zstd."""
    return _step("filesystem.parquet_writer", folder / "ours.parquet", rows)


def parquet_duckdb(rows: int, folder: Path) -> dict[str, Any]:
    """The same file by DuckDB's COPY."""
    import duckdb

    table, file = pa.Table.from_pandas(mixed_frame(rows), preserve_index=False), folder / "plain.parquet"
    with duckdb.connect() as connection:
        connection.register("df", table)
        with Measured() as measured:
            connection.execute(f"COPY df TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
    return measured.as_json() | {"file_mb": file.stat().st_size / 1e6}


def csv_step(rows: int, folder: Path) -> dict[str, Any]:
    """A step of ``filesystem.csv_writer``."""
    return _step("filesystem.csv_writer", folder / "ours.csv", rows)


def csv_arrow(rows: int, folder: Path) -> dict[str, Any]:
    """The same file by ``pyarrow.csv``, which cannot write categories."""
    import pyarrow.csv

    table, file = pa.Table.from_pandas(mixed_frame(rows), preserve_index=False), folder / "plain.csv"
    kind = table.schema.get_field_index("kind")
    table = table.set_column(kind, "kind", table["kind"].cast(pa.large_string()))
    with Measured() as measured:
        pyarrow.csv.write_csv(table, file)
    return measured.as_json() | {"file_mb": file.stat().st_size / 1e6}


def spill(rows: int, folder: Path) -> dict[str, Any]:
    """Store a frame with ``force_spill``, as the worker does with the result of a driver."""
    result = {"df": mixed_frame(rows)}
    frame_mb = memory.frame_bytes(result["df"]) / 1e6
    with closing(FrameStore(folder, SpillPolicy(force_spill=True))) as store:
        with Measured() as measured:
            stored = store.put("step", result)
        assert stored.storage == "spill"
        file = folder / "artifacts" / "step" / "output.parquet"
        return measured.as_json() | {"file_mb": file.stat().st_size / 1e6, "frame_mb": frame_mb}


def read_parquet(rows: int, folder: Path) -> dict[str, Any]:
    mixed_frame(rows).to_parquet(folder / "plain.parquet")
    with Measured() as measured:
        frame = pd.read_parquet(folder / "plain.parquet")
    return measured.as_json() | {"rows": len(frame)}


def restore(rows: int, folder: Path) -> dict[str, Any]:
    """Read a spilled frame as a step that wants a DataFrame does."""
    with closing(FrameStore(folder, SpillPolicy(force_spill=True))) as store:
        store.put("step", {"df": mixed_frame(rows)})
        with Measured() as measured:
            frame = store.resolve("next", "df", InputRef("step")).to_pandas()
        return measured.as_json() | {"rows": len(frame)}


def drop(rows: int, folder: Path) -> dict[str, Any]:
    """What the process holds once a frame was put and has left memory, beside what it held before there was one."""
    with closing(FrameStore(folder, SpillPolicy(force_spill=True))) as store:
        store.put("warm", {"df": mixed_frame(1000)})
        memory.release_free_memory()
        base = status("VmRSS")
        store.put("step", {"df": mixed_frame(rows)})
        return {"base_mb": base, "held_mb": status("VmRSS")}


def sql_pandas(rows: int, folder: Path, where: str = ALL) -> dict[str, Any]:
    """SQL over a DataFrame in memory, by plain DuckDB."""
    import duckdb

    frame = mixed_frame(rows)
    with duckdb.connect() as connection, Measured() as measured:
        connection.register("df", frame)
        result = connection.sql(SQL.format(rows=where)).to_arrow_table()
    return measured.as_json() | {"peak_mb": status("VmHWM"), "groups": result.num_rows}


def sql_read_back(rows: int, folder: Path) -> dict[str, Any]:
    """SQL over a Parquet file by way of pandas: the file is read back, then registered."""
    import duckdb

    mixed_frame(rows).to_parquet(folder / "plain.parquet")
    with duckdb.connect() as connection, Measured() as measured:
        connection.register("df", pd.read_parquet(folder / "plain.parquet"))
        result = connection.sql(SQL.format(rows=ALL)).to_arrow_table()
    return measured.as_json() | {"peak_mb": status("VmHWM"), "groups": result.num_rows}


def sql_plain_parquet(rows: int, folder: Path) -> dict[str, Any]:
    """SQL over the Parquet file of pandas, by plain DuckDB."""
    import duckdb

    mixed_frame(rows).to_parquet(folder / "plain.parquet")
    with Measured() as measured, duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW df AS SELECT * FROM read_parquet('{folder}/plain.parquet')")
        result = connection.sql(SQL.format(rows=ALL)).to_arrow_table()
    return measured.as_json() | {"peak_mb": status("VmHWM"), "groups": result.num_rows}


def sql_spill(rows: int, folder: Path, where: str = ALL) -> dict[str, Any]:
    """A step of ``duckdb.processor`` whose input is spilled."""
    with closing(FrameStore(folder, SpillPolicy(force_spill=True))) as store:
        store.put("step", {"df": mixed_frame(rows)})
        ctx = context(folder)
        load_driver("duckdb.processor")  # the worker has imported it
        with Measured() as measured:
            resolved = store.resolve("next", "df", InputRef("step"))
            result = drive("duckdb.processor", {"query": SQL.format(rows=where)}, ctx, df=resolved)
        return measured.as_json() | {"peak_mb": status("VmHWM"), "groups": result["df"].num_rows}


CHECKS: dict[str, Any] = {
    "rows": {"min": 1},
    "not_null": ["id", "email", "city"],
    "unique": [["id"]],
    "values": {
        "amount": {"min": 0, "max": 1000},
        "city": {"regex": "city [0-9]+"},
        "kind": {"in": ["a", "b", "c", "d", "e"]},
    },
    "sql": ["SELECT * FROM df WHERE updated < created - INTERVAL 1 DAY"],
}
CHECKS_IN_SQL = (
    """SELECT count(*), count(*) FILTER (WHERE id IS NULL), count(*) FILTER (WHERE email IS NULL),
    count(*) FILTER (WHERE city IS NULL), count(*) FILTER (WHERE amount < 0), count(*) FILTER (WHERE amount > 1000),
    count(*) FILTER (WHERE NOT regexp_full_match(city, 'city [0-9]+')),
    count(*) FILTER (WHERE kind NOT IN ('a', 'b', 'c', 'd', 'e')) FROM df""",
    "SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM df GROUP BY id HAVING count(*) > 1)",
    "SELECT count(*) FROM df WHERE updated < created - INTERVAL 1 DAY",
)
"""The same checks, as a user of DuckDB writes them."""


def checks(rows: int, folder: Path, *, is_spilled: bool) -> dict[str, Any]:
    """Checks of a step's frame, as the worker runs them."""
    policy = SpillPolicy(force_spill=is_spilled, threshold=10**9)
    with closing(FrameStore(folder, policy)) as store:
        store.put("step", {"df": mixed_frame(rows)})
        resolved = store.resolve("step", "df", InputRef("step"))
        with Measured() as measured:
            report = check_frame(CHECKS, resolved, folder / "temp", CancelToken())
    assert all(result.passed for result in report.results)
    return measured.as_json()


def checks_in_sql(rows: int, folder: Path, *, is_spilled: bool) -> dict[str, Any]:
    """The same checks in SQL, over the Parquet file of pandas or the DataFrame, by plain DuckDB."""
    import duckdb

    frame = mixed_frame(rows)
    if is_spilled:
        frame.to_parquet(folder / "plain.parquet")
        del frame
    with Measured() as measured, duckdb.connect() as connection:
        if is_spilled:
            connection.execute(f"CREATE VIEW df AS SELECT * FROM read_parquet('{folder}/plain.parquet')")
        else:
            connection.register("df", frame)
        counts = [connection.execute(query).fetchall()[0] for query in CHECKS_IN_SQL]
    assert not any(counts[0][1:])
    assert counts[1:] == [(0,), (0,)]
    return measured.as_json()


def hundred_steps(rows: int, folder: Path) -> dict[str, Any]:
    """A hundred steps in a row, each wanting the one before and one of ten steps earlier, under 500 MB for frames."""
    uses = {f"step-{n}": [m for m in (n + 1, n + 10) if m <= 100] for n in range(1, 101)}
    policy = SpillPolicy(threshold=10**9, budget_bytes=500_000_000)
    worst = 0.0
    with closing(FrameStore(folder, policy, next_uses=uses)) as store, Measured() as measured:
        for n in range(1, 101):
            for other in (n - 1, n - 10):
                if other >= 1:
                    store.resolve(f"step-{n}", "df", InputRef(f"step-{other}")).to_batches().read_next_batch()
                    store.mark_consumed(f"step-{other}", n)
            store.put(f"step-{n}", {"df": mixed_frame(rows, seed=n)})
            gc.collect()
            worst = max(worst, status("VmRSS"))
            for old in (folder / "artifacts").glob("step-*/output.parquet"):
                if int(old.parent.name.partition("-")[2]) < n - 10:
                    old.unlink()  # nobody wants it any more, and the disk of the machine is small
    return measured.as_json() | {"rss_mb": worst, "peak_mb": status("VmHWM")}


TASKS: dict[str, Callable[[int, Path], dict[str, Any]]] = {
    "to_parquet": to_parquet,
    "parquet_step": parquet_step,
    "parquet_duckdb": parquet_duckdb,
    "csv_step": csv_step,
    "csv_arrow": csv_arrow,
    "spill": spill,
    "read_parquet": read_parquet,
    "restore": restore,
    "drop": drop,
    "sql_pandas": sql_pandas,
    "sql_read_back": sql_read_back,
    "sql_plain_parquet": sql_plain_parquet,
    "sql_spill": sql_spill,
    "half_pandas": lambda rows, folder: sql_pandas(rows, folder, HALF),
    "half_spill": lambda rows, folder: sql_spill(rows, folder, HALF),
    "checks_memory": lambda rows, folder: checks(rows, folder, is_spilled=False),
    "checks_spill": lambda rows, folder: checks(rows, folder, is_spilled=True),
    "checks_pandas": lambda rows, folder: checks_in_sql(rows, folder, is_spilled=False),
    "checks_plain_parquet": lambda rows, folder: checks_in_sql(rows, folder, is_spilled=True),
    "hundred_steps": hundred_steps,
}


if __name__ == "__main__":
    task, rows, folder = sys.argv[1:]
    print(json.dumps(TASKS[task](int(rows), Path(folder))))
