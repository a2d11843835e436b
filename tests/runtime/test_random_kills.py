"""Kills at random moments leave whole targets, no temporary files of a surviving process, and a right verdict."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import orjson
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.runtime.files.leftovers import remove_stale_parts
from osiris_inspect.runtime.sandbox.isolation import unavailable_reason
from osiris_inspect.runtime.transport.worker_state import worker_pid
from tests.runtime.faulty import REPO
from tests.runtime.pipelines import MOVIES
from tests.runtime.processes import workers_of

KILLS: Final = 40
VICTIMS: Final = ("host", "worker", "both")
ROWS: Final = 100_000
TARGETS: Final = ("out.csv", "out.parquet")
OLD: Final = b"the old content"
PIPELINE = f"""
oml_version: "0.1.0"
name: killed
steps:
  - id: read
    component: filesystem.csv_extractor
    config: {{path: movies.csv}}
  - id: many
    component: duckdb.processor
    needs: [read]
    config: {{query: "SELECT i, md5(i::VARCHAR) AS h FROM range({ROWS}) t(i) ORDER BY i"}}
  - id: write-csv
    component: filesystem.csv_writer
    needs: [many]
    config: {{path: out.csv}}
  - id: write-parquet
    component: filesystem.parquet_writer
    needs: [many]
    config: {{path: out.parquet}}
"""
HOST = """
import os, sys, time
from pathlib import Path
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.pipeline.builtin_components import all_components
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.stdio import Stdio
base = Path(sys.argv[1])
compiled = compile_pipeline((base / "pipeline.yaml").read_text(), "pipeline.yaml", all_components())
request = RunRequest(compiled, settings.read({"E2B_FORCE_SPILL": "1"}), base / "logs", base, time.time)
run(request, Stdio(os.environ, sys.argv[2]))
"""


def _level(seed: int) -> str:
    return "bwrap" if seed % 2 and unavailable_reason("bwrap") is None else "none"


def _start(folder: Path, level: str) -> subprocess.Popen[bytes]:
    (folder / "movies.csv").write_text(MOVIES)
    (folder / "pipeline.yaml").write_text(PIPELINE)
    for name in TARGETS:
        (folder / name).write_bytes(OLD)
    words = [sys.executable, "-c", HOST, str(folder), level]
    return subprocess.Popen(words, cwd=REPO, start_new_session=True)


def _events(folder: Path) -> tuple[Path | None, list[str]]:
    """Return the run directory and the names of its events; a last line that was cut is left out."""
    for log in folder.glob("logs/run_*/events.jsonl"):
        lines = log.read_bytes().split(b"\n")[:-1]
        return log.parent, [orjson.loads(line)["event"] for line in lines]
    return None, []


def _wait_for_worker(folder: Path) -> Path:
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        run, names = _events(folder)
        if run is not None and "worker_started" in names:
            return run
        time.sleep(0.005)
    raise AssertionError("the worker did not start")


def _worker_of(host: int) -> int | None:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    children = [
        int(pid)
        for pid, parent in rows
        if parent == str(host) and b"runtime.worker" in _command_line(int(pid))
    ]
    return worker_pid(children[0]) if children else None


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _kill(*pids: int | None) -> None:
    for pid in pids:
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue  # it has ended already


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, dict[str, bytes]]:
    """The seconds of a run from the start of its worker, and the targets it writes."""
    folder = tmp_path_factory.mktemp("whole")
    host = _start(folder, "none")
    _wait_for_worker(folder)
    started = time.monotonic()
    assert host.wait(120) == 0
    return time.monotonic() - started, {name: (folder / name).read_bytes() for name in TARGETS}


@pytest.mark.sampled(10)
@pytest.mark.parametrize("seed", range(KILLS))
def test_kill_at_random_moment_leaves_whole_files(
    tmp_path: Path, whole_run: tuple[float, dict[str, bytes]], seed: int
) -> None:
    seconds, expected = whole_run
    victim = VICTIMS[seed % 3]
    host = _start(tmp_path, _level(seed))
    run = _wait_for_worker(tmp_path)
    worker = _worker_of(host.pid)
    select.select([], [], [], random.Random(seed).uniform(0, seconds))  # the moment is the point
    _kill(*(pid for name, pid in (("host", host.pid), ("worker", worker)) if victim in (name, "both")))
    code = host.wait(120)
    until = time.monotonic() + 10.0
    while workers_of(run) and time.monotonic() < until:
        time.sleep(0.01)
    assert not workers_of(run)
    _, names = _events(tmp_path)
    contents = {name: (tmp_path / name).read_bytes() for name in TARGETS}
    for name, content in contents.items():
        assert content in (OLD, expected[name])
    verdict = analyze(run).run.status
    if "run_end" in names and (run / "status.json").is_file():
        status = orjson.loads((run / "status.json").read_bytes())["status"]
        assert verdict == status
        assert (status == "success") == (contents == expected and names.count("step_complete") == 4)
        assert status in ("success", "failed")
    else:
        assert verdict != "success"
        assert victim != "worker"
    if victim == "worker" or code == 0:  # the host survived
        assert code == 0
        assert not list(tmp_path.glob(".*.part"))
        assert not [path for path in run.rglob("*") if path.suffix in (".tmp", ".part")]
        assert not (run / ".reserve").exists()
    remove_stale_parts([tmp_path / name for name in TARGETS])  # as the next run does
    assert not list(tmp_path.glob(".*.part"))
