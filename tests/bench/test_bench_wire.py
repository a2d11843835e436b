"""How fast the wire is, and what a step costs beyond its work. Prints; asserts no time."""

import os
import statistics
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from osiris_inspect.runtime import rpc
from osiris_inspect.runtime.parcel import Parcel
from osiris_inspect.runtime.rpc import Command
from osiris_inspect.runtime.transport import Launch, Transport
from tests.runtime.clouds import cloud, in_the  # noqa: F401  the fixture of another folder
from tests.runtime.runs import NAMES, TRANSPORTS, events_of, faulty, make_run, needs

pytestmark = pytest.mark.bench
EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "e2b"])
_STEPS = 1_000


@pytest.fixture
def transport(on: str, request: pytest.FixtureRequest) -> Transport:
    needs(on)
    return in_the(request.getfixturevalue("cloud")) if on == "e2b" else TRANSPORTS[on]()


def _round_trips(transport: Transport, folder: Path, times: int) -> list[float]:
    took = []
    (folder / "run").mkdir()
    with transport:
        transport.start(Launch(folder / "run", folder, Parcel("", {})))
        for number in range(times):
            began = time.perf_counter()
            transport.send(rpc.encode_command(Command("ping", number, {"echo": number})))
            while transport.receive(None) is None:
                pass
            took.append(time.perf_counter() - began)
    return took


@EVERYWHERE
def test_round_trips(tmp_path: Path, on: str, transport: Transport) -> None:
    took = _round_trips(transport, tmp_path, 300 if on == "e2b" else 5_000)[10:]
    print(
        f"\n{on}: round trip {statistics.median(took) * 1e6:,.0f} µs, {1 / statistics.mean(took):,.0f} a second"
    )


@EVERYWHERE
def test_events_a_second(tmp_path: Path, on: str, transport: Transport) -> None:
    times = 50_000
    began = time.perf_counter()
    outcome = make_run(tmp_path, on, text=faulty("tell_much", times=str(times)), transport=transport)
    assert outcome.status == "success"
    (step,) = [
        event
        for event in events_of(outcome.path)
        if event["event"] == "step_complete" and event["step_id"] == "first"
    ]
    seconds = step["duration_ms"] / 1000
    print(
        f"\n{on}: {times / seconds:,.0f} metrics a second while the step ran, {times / (time.perf_counter() - began):,.0f} over the whole run"
    )


def _chain(count: int) -> str:
    steps = "".join(
        f"  - id: s{number}\n    component: test.faulty\n    config: {{do: nothing}}\n"
        for number in range(count)
    )
    return f'oml_version: "0.1.0"\nname: many\nsteps:\n{steps}'


@pytest.mark.parametrize("env", [{}, {"E2B_FORCE_SPILL": "1"}], ids=["memory", "spill"])
@EVERYWHERE
def test_what_a_step_costs_beyond_its_work(
    tmp_path: Path, on: str, env: dict[str, str], transport: Transport
) -> None:
    outcome = make_run(tmp_path, on, text=_chain(_STEPS), env=env, transport=transport, artifacts="none")
    assert outcome.status == "success", outcome.reason
    ours = _ms_a_step(outcome.path)
    theirs = _original(tmp_path / "original", env)
    compared = (
        f", {ours / theirs:.2f} of the original's {theirs:.2f} ms"
        if theirs
        else ", the original is not installed"
    )
    print(f"\n{on} {'spill' if env else 'memory'}: {ours:.2f} ms a step{compared}")


def _ms_a_step(run: Path) -> float:
    from datetime import datetime

    at = [
        datetime.fromisoformat(event["ts"]).timestamp()
        for event in events_of(run)
        if event["event"] == "step_complete"
    ]
    return (at[-1] - at[0]) / (len(at) - 1) * 1000


ORIGINAL = """
import io, json, sys, time, types
from pathlib import Path
import pandas as pd
from osiris.core.driver import DriverRegistry
from osiris.remote import proxy_worker
from osiris.remote.rpc_protocol import ExecStepCommand, PrepareCommand
class Nothing:
    def run(self, *, step_id, config, inputs=None, ctx=None):
        return {"df": pd.DataFrame({"n": [1, 2, 3]})}
count = int(sys.argv[1])
said, sys.stdout = sys.stdout, io.StringIO()
worker = proxy_worker.ProxyWorker()
worker.session_dir = Path(sys.argv[2]); worker.session_dir.mkdir(parents=True, exist_ok=True)
worker.artifacts_root = worker.session_dir / "artifacts"; worker.artifacts_root.mkdir(exist_ok=True)
steps = [{"id": f"s{n}", "driver": "test.nothing", "cfg_path": f"cfg/s{n}.json"} for n in range(count)]
try:
    worker.handle_prepare(PrepareCommand(cmd="prepare", session_id="bench", manifest={"steps": steps, "pipeline": {"id": "p"}}))
except Exception as error:
    print(repr(error), file=sys.stderr)
worker.driver_registry = getattr(worker, "driver_registry", None) or DriverRegistry()
worker.driver_registry.register("test.nothing", Nothing)
times = []
for step in steps:
    began = time.perf_counter()
    worker.handle_exec_step(ExecStepCommand(cmd="exec_step", step_id=step["id"], driver="test.nothing", config={"component": "x"}, inputs={}))
    times.append(time.perf_counter() - began)
sys.stdout = said
print(json.dumps(sum(times) / len(times) * 1000))
"""


def _original(folder: Path, env: dict[str, str]) -> float | None:
    """Milliseconds a step takes in the original's worker; None where OSIRIS_TEST_ORIGINAL_PYTHON names none."""
    python = os.environ.get("OSIRIS_TEST_ORIGINAL_PYTHON")
    if not python:
        return None
    folder.mkdir(parents=True)
    words = [python, "-c", ORIGINAL, str(_STEPS), str(folder / "session")]
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=folder, env={**os.environ, **env}, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    took: float = orjson.loads(done.stdout.splitlines()[-1])
    return took
