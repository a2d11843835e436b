"""One measurement of a database, in a process of its own: ``python -m tests.bench.databases_measured TASK SETTINGS``.

``SETTINGS`` is JSON: ``connection`` as in a connections file, ``url`` as SQLAlchemy's parts, ``rows``, ``mode``. Prints JSON:
seconds, seconds of CPU, extra bytes at the peak, rows. The peers are imported in their tasks: not all are installed.
"""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from osiris_inspect.runtime.drivers.interface.driver import load_driver
from osiris_inspect.runtime.frames.store import FrameStore, SpillPolicy
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from tests.runtime.driving import context, drive, handed

Settings = dict[str, Any]


class Measured:
    """Seconds, CPU of this process, and bytes beyond those held before, of the block."""

    def __enter__(self) -> "Measured":
        self._before, self._began, self._cpu = _peak(), time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.bytes = time.perf_counter() - self._began, _peak() - self._before
        self.cpu = time.process_time() - self._cpu

    def as_json(self, rows: int) -> dict[str, float]:
        return {"s": self.seconds, "cpu": self.cpu, "bytes": self.bytes, "rows": rows}


def _peak() -> int:
    # of this process alone: getrusage starts with the peak of the parent process
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def frame(rows: int) -> pd.DataFrame:
    import numpy as np

    n = np.arange(rows)
    return pd.DataFrame(
        {
            "id": n,
            "a": n * 7 % 1000,
            "b": n / 3,
            "c": n % 2 == 0,
            "d": pd.Series(n % 5000).astype(str).radd("name "),
            "e": pd.Timestamp("2024-01-01") + pd.to_timedelta(n % 10**6, unit="s"),
            "f": n * 11,
            "g": "text",
            "h": n / 7,
            "i": pd.Series(n).astype(str),
        }
    )


def mysql_ours(settings: Settings, folder: Path) -> dict[str, float]:
    """A step of ``mysql.extractor``: the worker puts the driver's result into the store."""
    import pyarrow.compute  # noqa: F401  the worker has imported it

    config = {
        **all_components()["mysql.extractor"].defaults,
        "query": "SELECT * FROM bench",
        "resolved_connection": settings["connection"],
    }
    driver, ctx = load_driver("mysql.extractor"), context(folder)
    with closing(FrameStore(folder, SpillPolicy(threshold=10**9))) as store:
        with Measured() as measured:
            stored = store.put("s", driver.run(step_id="s", config=config, inputs={}, ctx=ctx))
        assert stored.storage == "memory"
        return measured.as_json(stored.rows)


def mysql_read_sql(settings: Settings, _: Path) -> dict[str, float]:
    import sqlalchemy as sa

    engine = sa.create_engine(sa.URL.create("mysql+pymysql", **settings["url"]))
    with Measured() as measured:
        found = pd.read_sql("SELECT * FROM bench", engine)
    return measured.as_json(len(found))


def mysql_connectorx(settings: Settings, _: Path) -> dict[str, float]:
    import connectorx  # type: ignore[import-not-found]  # optional

    url = "mysql://{username}@{host}:{port}/{database}".format(**settings["url"])
    with Measured() as measured:
        found = connectorx.read_sql(url, "SELECT * FROM bench", return_type="arrow")
    return measured.as_json(found.num_rows)


def postgres_ours(settings: Settings, folder: Path) -> dict[str, float]:
    import pyarrow.compute
    import pyarrow.csv  # noqa: F401  the worker has imported it

    load_driver("postgres.writer")
    resolved, ctx = handed(folder, frame(settings["rows"])), context(folder)
    config = {
        "table": settings["mode"],
        "create_if_missing": True,
        "write_mode": settings["mode"],
        # the peers' tables have no index
        **({"primary_key": "id"} if settings["mode"] == "upsert" else {}),
        "resolved_connection": settings["connection"],
    }
    with Measured() as measured:
        written = drive("postgres.writer", config, ctx, df=resolved)
    return measured.as_json(written["rows_written"])


def postgres_to_sql(settings: Settings, _: Path) -> dict[str, float]:
    import sqlalchemy as sa

    engine = sa.create_engine(sa.URL.create("postgresql+psycopg", **settings["url"]))
    rows = frame(settings["rows"])
    with Measured() as measured:
        rows.to_sql("plain", engine, index=False, if_exists="append", chunksize=500, method=None)
    return measured.as_json(len(rows))


def postgres_adbc(settings: Settings, _: Path) -> dict[str, float]:
    """Let pandas write through ADBC, which copies as ours does."""
    import sqlalchemy as sa
    from adbc_driver_postgresql import dbapi  # type: ignore[import-not-found]  # optional

    url = sa.URL.create("postgresql", **settings["url"]).render_as_string(hide_password=False)
    rows = frame(settings["rows"])
    with Measured() as measured, dbapi.connect(url) as connection:
        rows.to_sql("adbc", connection, index=False, if_exists="append")
        connection.commit()
    return measured.as_json(len(rows))


def rest_ours(settings: Settings, folder: Path) -> dict[str, float]:
    load_driver("supabase.writer")
    resolved, ctx = handed(folder, frame(settings["rows"])), context(folder)
    config = {"table": "rest_bench", "resolved_connection": settings["connection"]}
    with Measured() as measured:
        written = drive("supabase.writer", config, ctx, df=resolved)
    return measured.as_json(written["rows_written"])


def rest_postgrest(settings: Settings, _: Path) -> dict[str, float]:
    from postgrest import SyncPostgrestClient

    rows, connection = frame(settings["rows"]), settings["connection"]
    headers = {"apikey": connection["key"], "Authorization": f"Bearer {connection['key']}"}
    client = SyncPostgrestClient(connection["url"] + "/rest/v1", headers=headers)
    with Measured() as measured:
        rows["e"] = rows["e"].astype(str)
        records: list[Any] = rows.to_dict("records")
        for start in range(0, len(records), 500):
            client.from_("rest_bench").insert(records[start : start + 500]).execute()
    return measured.as_json(len(records))


TASKS: dict[str, Callable[[Settings, Path], dict[str, float]]] = {
    task.__name__: task
    for task in (
        mysql_ours,
        mysql_read_sql,
        mysql_connectorx,
        postgres_ours,
        postgres_to_sql,
        postgres_adbc,
        rest_ours,
        rest_postgrest,
    )
}


if __name__ == "__main__":
    name, settings = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(TASKS[name](json.loads(settings), Path(folder))))
