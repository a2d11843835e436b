"""Runs on a Dask cluster of this machine: as in a sandbox, also if a machine, the scheduler or the host is lost."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from distributed import Client

from osiris_inspect.runtime.cluster.dask_engine import DaskEngine
from osiris_inspect.runtime.cluster.run_loop import ClusterOptions, run_on_cluster
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from tests.runtime.cluster.cluster_runs import cluster_request, dask_processes, run_here
from tests.runtime.cluster.counting import counts, pipeline
from tests.runtime.pipelines import TWO_BRANCHES, with_movies
from tests.runtime.runs import events_of, faulty, make_run, status_of

pytestmark = [pytest.mark.cluster, pytest.mark.sampled(2)]


def _by_step(path: Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    left_out = {"heartbeat", "step_sent", "step_claimed", "frame_sent", "frame_fetched", "artifact_created"}
    for event in events_of(path):
        if event.get("step_id") and event["event"] not in {*left_out, "spill_write", "frame_captured"}:
            names.setdefault(event["step_id"], []).append(event["event"])
    return names


def _wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return value


def _claims(folder: Path, step: str) -> list[dict[str, Any]]:
    return _logged(folder, "step_claimed", step)


def _logged(folder: Path, name: str, step: str) -> list[dict[str, Any]]:
    log = next(iter(folder.glob("logs/run_*/events.jsonl")), None)
    lines = log.read_bytes().splitlines(keepends=True) if log else []
    events = [orjson.loads(line) for line in lines if line.endswith(b"\n")]
    return [each for each in events if (each["event"], each.get("step_id")) == (name, step)]


def _pid(claim: dict[str, Any]) -> int:
    return int(claim["node"].rpartition(":")[2])


def _workers_below(pid: int) -> list[int]:
    """The worker processes that a process has started."""
    command = ["pgrep", "--parent", str(pid), "--full", "osiris_inspect.runtime.worker"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _lives(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def _kill_node_of(folder: Path, file: Path, step: str) -> threading.Thread:
    """Kill the process that runs a step, after its driver has begun; then let drivers end."""

    def kill() -> None:
        _wait_for(lambda: f"begin {step}" in counts(file))
        os.kill(_pid(_wait_for(lambda: _claims(folder, step))[-1]), signal.SIGKILL)
        _wait_for(lambda: counts(file).count(f"begin {step}") == 2 or (folder / "ended").exists())
        Path(f"{file}.go").touch()

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread


def test_run_has_the_results_of_a_sandbox(tmp_path: Path, shared: str) -> None:
    result = run_here(tmp_path / "host", TWO_BRANCHES, shared, isolation="auto")
    local = make_run(tmp_path / "local", "sandbox", text=TWO_BRANCHES)
    assert status_of(result.path)["steps_skipped"] == {"write-broken": "broken"}
    assert _by_step(result.path) == _by_step(local.path)
    assert (tmp_path / "host/good.csv").read_bytes() == (tmp_path / "local/good.csv").read_bytes()
    assert not (tmp_path / "host/broken.csv").exists()
    assert (result.path / "artifacts/movies/output.parquet").is_file()  # the input of the failed step
    assert all(event["node"] for event in events_of(result.path) if event["side"] == "worker")
    assert SharedStore(shared).keys("")  # for resume


@pytest.mark.parametrize("on", [(), ("--on", "dask", "--machines", "1")], ids=["sandbox", "dask"])
def test_command_runs_and_resumes_a_failure(tmp_path: Path, on: tuple[str, ...]) -> None:
    folder = with_movies(tmp_path)
    (folder / "two.yaml").write_text(TWO_BRANCHES)
    program = [sys.executable, "-m", "osiris_inspect"]

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*program, *words], cwd=folder, capture_output=True, text=True, check=False)

    failed = call("run", "two.yaml", "--on", "dask", "--machines", "1", "--shared", "shared")
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False), failed.stderr
    (folder / "two.yaml").write_text(TWO_BRANCHES.replace("SELECT nope", "SELECT title"))
    resumed = call("resume", failed.stdout.strip(), *on)
    assert resumed.returncode == 0, resumed.stderr
    path = folder / resumed.stdout.strip()
    assert status_of(path)["steps_reused"] == 3
    fetched = [event["from_step"] for event in events_of(path) if event["event"] == "frame_fetched"]
    assert fetched == (["movies"] if on else [])
    assert (events_of(path)[0]["mode"] == "dask") is bool(on)
    assert "movies        filesystem.csv_extractor  reuse " in resumed.stderr
    assert (folder / "broken.csv").read_text().startswith("title\n")


SLOW = """\
oml_version: "0.1.0"
name: slow
steps:
  - {id: movies, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: titles, component: duckdb.processor, needs: [movies], config: {query: SELECT title FROM input_df}}
  - {id: slow, component: duckdb.processor, needs: [movies], config: {query: "SELECT count(*) AS n FROM input_df"}}
  - {id: write, component: filesystem.csv_writer, needs: [slow], config: {path: out.csv}}
"""


@pytest.mark.parametrize("on", [(), ("--on", "dask", "--machines", "1")], ids=["sandbox", "dask"])
def test_killed_run_continues_with_the_frames_on_the_store(tmp_path: Path, on: tuple[str, ...]) -> None:
    folder, program = with_movies(tmp_path), [sys.executable, "-m", "osiris_inspect"]
    file, elsewhere = folder / "slow.yaml", tmp_path / "elsewhere"
    elsewhere.mkdir()
    file.write_text(
        SLOW.replace('FROM input_df"', 'FROM input_df, range(10000000000) AS r WHERE hash(r.range) = 7"')
    )
    host = subprocess.Popen(
        [*program, "run", "slow.yaml", "--on", "dask", "--machines", "2", "--shared", "shared", "-q"],
        cwd=folder,
    )
    try:
        _wait_for(lambda: _claims(folder, "slow") and _logged(folder, "step_start", "slow"))
    finally:
        host.kill()
        host.wait()
    (run,) = (folder / "logs").iterdir()
    assert not (run / "artifacts/movies/output.parquet").exists()
    file.write_text(SLOW)
    plan = subprocess.run(
        [*program, "resume", run, *on, "--dry-run"], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    assert "movies  filesystem.csv_extractor  reuse " in plan.stdout
    resumed = subprocess.run(
        [*program, "resume", run, *on], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert resumed.returncode == 0, resumed.stderr
    path = Path(resumed.stdout.strip())
    assert "movies" in {event["step_id"] for event in events_of(path) if event["event"] == "step_reused"}
    assert (folder / "out.csv").read_text() == "n\n14\n"


def test_missing_store_is_a_note_of_the_plan(tmp_path: Path) -> None:
    folder, program = with_movies(tmp_path), [sys.executable, "-m", "osiris_inspect"]
    (folder / "two.yaml").write_text(TWO_BRANCHES)
    failed = subprocess.run(
        [*program, "run", "two.yaml", "--on", "dask", "--machines", "1", "--shared", "shared"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    shutil.rmtree(folder / "shared")
    shutil.rmtree(folder / failed.stdout.strip() / "artifacts/movies")
    plan = subprocess.run(
        [*program, "resume", failed.stdout.strip(), "--dry-run"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    note = f"frames that are only on the shared store were not read: there is no folder '{folder}/shared'"
    assert plan.stdout.splitlines()[-1] == note
    assert not (folder / "shared").exists()


def test_doctor_checks_machines_and_the_store(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "osiris_inspect", "doctor", "--on", "dask", "--shared", "shared"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    *_, machine, store = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.startswith("machine      tls://127.0.0.1:")
    assert f"python {platform.python_version()}, " in machine
    assert " (the same code), isolation " in machine
    assert store == "             shared store: works, and creates a name only once"
    assert list((tmp_path / "shared").rglob("claim")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            [],
            "--on dask needs --shared; name a folder that all machines share, or a URL such as s3://bucket/osiris",
        ),
        (
            ["--shared", "shared", "--scheduler", "tls://host:1", "--machines", "2"],
            "--machines starts a cluster on this machine, and --scheduler names another; omit one of them",
        ),
        (
            ["--shared", "shared", "--scheduler", "host:8786"],
            "invalid --scheduler 'host:8786'; write tls://HOST:PORT, or tcp://HOST:PORT",
        ),
    ],
)
def test_invalid_options_are_one_line(words: list[str], message: str, tmp_path: Path) -> None:
    (with_movies(tmp_path) / "two.yaml").write_text(TWO_BRANCHES)
    command = [sys.executable, "-m", "osiris_inspect", "run", "two.yaml", "--on", "dask", *words]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"osiris-inspect: {message}")
    assert ended.stderr.count("\n") == 1


def test_success_leaves_nothing_on_the_store(tmp_path: Path) -> None:
    shared = str(tmp_path / "shared")
    assert (
        run_here(tmp_path / "host", pipeline(tmp_path / "counted", "a count - 0"), shared).status == "success"
    )
    assert SharedStore(shared).keys("") == []


def test_step_over_its_memory_fails_alone(tmp_path: Path) -> None:
    text = (
        'oml_version: "0.1.0"\nname: limited\nsteps:\n'
        "  - {id: big, component: test.faulty, config: {do: allocate}, memory: 800MiB}\n"
        "  - {id: copy, component: duckdb.processor, needs: [], config: {query: SELECT 1 AS n}, memory: 800MiB}\n"
        "  - {id: after, component: duckdb.processor, needs: [copy], config: {query: SELECT * FROM input_df}}\n"
    )
    result = run_here(tmp_path / "host", text, str(tmp_path / "shared"))
    status, events = status_of(result.path), events_of(result.path)
    assert (status["steps_failed"], status["steps_completed"]) == (["big"], 2)
    (failed,) = [event for event in events if event["event"] == "step_failed"]
    assert failed["error_info"]["kind"] == "out-of-memory"
    assert "the limit is 839 MB (memory of the step)" in failed["error"]
    (placed,) = [event for event in events if event["event"] == "placed"]
    assert [(chain["steps"], chain["cut"]) for chain in placed["chains"]][-1] == (
        ["after"],
        "copy has a limit of memory",
    )


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        ("memory: 5TB", "no machine of the cluster has 5,000,000,000,000 bytes of memory; it has 2 with "),
        ("machine: {cpus: 4, name: gpu}", "no machine of the cluster has cpus=4 and gpu=1; it has 2 with "),
    ],
)
def test_step_that_no_machine_can_run_fails(tmp_path: Path, needed: str, message: str) -> None:
    text = (
        'oml_version: "0.1.0"\nname: huge\nsteps:\n'
        f"  - {{id: huge, component: duckdb.processor, needs: [], config: {{query: SELECT 1 AS n}}, {needed}}}\n"
        "  - {id: small, component: duckdb.processor, needs: [], config: {query: SELECT 1 AS n}}\n"
    )
    result = run_here(tmp_path / "host", text, str(tmp_path / "shared"))
    status = status_of(result.path)
    assert (status["steps_failed"], status["steps_completed"]) == (["huge"], 1)
    (failed,) = [event for event in events_of(result.path) if event["event"] == "step_failed"]
    assert failed["error_info"]["kind"] == "machine-missing"
    assert message in failed["error"]


def test_step_runs_on_the_machine_that_it_names(tmp_path: Path) -> None:
    file = tmp_path / "counted"
    text = pipeline(file, "a count - 0", "b count a 0", "c count b 0").replace(
        "- id: b\n", "- id: b\n    machine: {cpus: 2, name: gpu}\n"
    )
    large = ("--name", "large", "--resources", "cpus=4 gpu=1")
    with dask_processes(tmp_path, large, ("--name", "small", "--resources", "cpus=1")) as (address, _):
        with Client(address) as client:
            client.wait_for_workers(2)
            pids = client.run(os.getpid)
        result = run_here(tmp_path / "host", text, str(tmp_path / "shared"), engine=DaskEngine(address))
    assert result.status == "success", result.reason
    (cluster,) = [event for event in events_of(result.path) if event["event"] == "cluster"]
    machines = {each["name"]: each for each in cluster["machines"]}
    assert machines["large"]["resources"] == {"cpus": 4, "gpu": 1}
    (claim,) = _claims(tmp_path / "host", "b")
    assert _pid(claim) == pids[machines["large"]["address"]]
    (placed,) = [event for event in events_of(result.path) if event["event"] == "placed"]
    assert [chain["steps"] for chain in placed["chains"]] == [["a"], ["b"], ["c"]]


def test_steps_whose_last_machine_left_fail(tmp_path: Path) -> None:
    file, folder = tmp_path / "counted", tmp_path / "host"
    text = pipeline(file, "a count - 60", "b count - 0", "c count - 0")
    text = "".join(
        f"{line}\n    machine: {{name: gpu}}\n" if line.endswith(("id: a", "id: b")) else f"{line}\n"
        for line in text.splitlines()
    )
    workers = ("--no-nanny", "--name", "large", "--resources", "gpu=1"), ("--name", "small")
    with dask_processes(tmp_path, *workers) as (address, _):
        with Client(address) as client:
            client.wait_for_workers(2)

        def kill() -> None:
            _wait_for(lambda: "begin a" in counts(file))
            os.kill(_pid(_wait_for(lambda: _claims(folder, "a"))[-1]), signal.SIGKILL)

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        result = run_here(folder, text, str(tmp_path / "shared"), engine=DaskEngine(address))
        killer.join()
    status = status_of(result.path)
    assert (sorted(status["steps_failed"]), status["steps_completed"]) == (["a", "b"], 1)
    failed = [event for event in events_of(result.path) if event["event"] == "step_failed"]
    assert [event["error_info"]["kind"] for event in failed] == ["machine-missing"] * 2


def test_lost_machine_is_retried_once(tmp_path: Path) -> None:
    file, folder = tmp_path / "counted", tmp_path / "host"
    killer = _kill_node_of(folder, file, "b")
    text = pipeline(file, "a count - 0", "b count a 60", "c count a 0")
    result = run_here(folder, text, str(tmp_path / "shared"))
    killer.join()
    assert result.status == "success"
    assert sorted(counts(file)) == sorted(
        ["begin a", "end a", "begin c", "end c", "begin b", "begin b", "end b"]
    )
    (lost,) = [event for event in events_of(result.path) if event["event"] == "step_lost"]
    (retry,) = [event for event in events_of(result.path) if event["event"] == "step_retry"]
    assert (lost["step_id"], lost["attempt"]) == ("b", 1)
    assert (retry["step_id"], retry["attempt"], retry["because"]) == ("b", 2, "machine-lost")


def test_lost_machine_of_a_writer_is_not_retried(tmp_path: Path) -> None:
    file, folder = tmp_path / "counted", tmp_path / "host"
    killer = _kill_node_of(folder, file, "b")
    result = run_here(folder, pipeline(file, "a count - 0", "b append a 60"), str(tmp_path / "shared"))
    (folder / "ended").touch()
    killer.join()
    assert result.status == "failed"
    assert counts(file) == ["begin a", "end a", "begin b"]
    (failed,) = [event for event in events_of(result.path) if event["event"] == "step_failed"]
    assert failed["error_info"]["kind"] == "machine-lost"
    assert failed["error_info"]["facts"]["may_have_written"] is True
    assert "it is unknown whether it has written its rows" in failed["error"]


def test_secrets_are_in_no_log_and_not_on_the_store(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shared, secret = str(tmp_path / "shared"), "hunter2SECRET"
    text = faulty("spill_secret", words=secret)
    result = run_here(tmp_path / "host", text, shared, secrets=(secret,))
    files = [path for path in (*result.path.rglob("*"), *Path(shared).rglob("*")) if path.is_file()]
    printed = "".join(capfd.readouterr())
    assert status_of(result.path)["steps_failed"] == ["first"]
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert secret not in printed
    assert "SELECT '***'" in (result.path / "events.jsonl").read_text()


def test_pipeline_with_secrets_needs_an_encrypted_scheduler(tmp_path: Path) -> None:
    request = cluster_request(tmp_path, faulty("nothing", words="hunter2SECRET"), secrets=("hunter2SECRET",))
    engine = DaskEngine("tcp://10.0.0.1:8786")
    result = run_on_cluster(request, engine, ClusterOptions(str(tmp_path / "shared")))
    assert result.reason == (
        "cannot prepare the worker: the pipeline has secrets, and connections to tcp://10.0.0.1:8786 are not "
        "encrypted; use a tls:// scheduler, or --insecure-cluster in a network that you trust"
    )


def test_scheduler_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    request = cluster_request(tmp_path, pipeline(tmp_path / "counted", "a count - 0"))
    options = ClusterOptions(str(tmp_path / "shared"), open_timeout_s=1.0)
    result = run_on_cluster(request, DaskEngine("tcp://127.0.0.1:9"), options)
    assert result.status == "failed"
    assert (result.reason or "").startswith(
        "cannot prepare the worker: cannot reach the scheduler tcp://127.0.0.1:9: "
    )


def test_lost_scheduler_ends_the_steps(tmp_path: Path) -> None:
    file, folder = tmp_path / "counted", tmp_path / "host"
    with dask_processes(tmp_path, ()) as (address, scheduler):
        killed_at: list[float] = []
        workers: list[int] = []

        def kill() -> None:
            _wait_for(lambda: "begin a" in counts(file) and _claims(folder, "a"))
            workers.extend(_workers_below(_pid(_claims(folder, "a")[-1])))
            scheduler.kill()
            killed_at.append(time.monotonic())

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        request = cluster_request(folder, pipeline(file, "a count - 60"))
        options = ClusterOptions(str(tmp_path / "shared"), open_timeout_s=2.0, isolation="none")
        engine = DaskEngine(address)
        engine_open = engine.open
        engine.open = lambda timeout_s: engine_open(timeout_s if killed_at else 60.0)  # type: ignore[method-assign]
        result = run_on_cluster(request, engine, options)
        thread.join()
        _wait_for(lambda: not any(map(_lives, workers)), 3.0)
    assert result.status == "failed"
    assert len(workers) == 1
    assert counts(file) == ["begin a"]
    (failed,) = [event for event in events_of(result.path) if event["event"] == "step_failed"]
    assert failed["error_info"]["kind"] == "machine-lost"
    assert "the connection to the scheduler" in (result.reason or "")


def _start_host(tmp_path: Path, *steps: str) -> "subprocess.Popen[bytes]":
    """Start a process that runs a pipeline on a cluster of its own."""
    code = (
        "from pathlib import Path\n"
        "from tests.runtime.cluster.cluster_runs import run_here\n"
        "from tests.runtime.cluster.counting import pipeline\n"
        "if __name__ == '__main__':\n"
        f"    folder = Path({str(tmp_path)!r})\n"
        f"    run_here(folder / 'host', pipeline(folder / 'counted', *{steps!r}), str(folder / 'shared'))\n"
    )
    (tmp_path / "host.py").write_text(code)
    return subprocess.Popen([sys.executable, str(tmp_path / "host.py")])


def test_interrupt_keeps_the_steps_that_ended(tmp_path: Path) -> None:
    file = tmp_path / "counted"
    host = _start_host(tmp_path, "a count - 0", "b count a 60")
    _wait_for(lambda: "begin b" in counts(file) and _logged(tmp_path / "host", "step_complete", "a"))
    pid = _pid(_wait_for(lambda: _claims(tmp_path / "host", "a"))[-1])
    workers = _workers_below(pid)
    host.terminate()
    host.wait()
    (run,) = (tmp_path / "host/logs").glob("run_*")
    status = status_of(run)
    assert (status["status"], status["steps_completed"], status["steps_failed"]) == ("interrupted", 1, ["b"])
    _wait_for(lambda: not any(map(_lives, [pid, *workers])), 10.0)
    assert counts(file) == ["begin a", "end a", "begin b"]


def test_killed_host_ends_its_steps(tmp_path: Path) -> None:
    file, folder = tmp_path / "counted", tmp_path / "host"
    host = _start_host(tmp_path, "a count - 60")
    _wait_for(lambda: "begin a" in counts(file))
    pid = _pid(_wait_for(lambda: _claims(folder, "a"))[-1])
    workers = _workers_below(pid)
    host.kill()
    host.wait()
    _wait_for(lambda: not any(map(_lives, [pid, *workers])), 10.0)
    assert len(workers) == 1
    assert counts(file) == ["begin a"]
