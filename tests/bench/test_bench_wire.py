"""Speed of the transports, and overhead of a step. Prints; asserts no time."""

import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.model.event import Event
from osiris_inspect.runtime.protocol import messages as rpc
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.protocol.messages import Command
from osiris_inspect.runtime.transport.stdio import Stdio
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport
from tests.bench.pairs import print_row
from tests.runtime.runs import ENVIRONMENT, NAMES, TRANSPORTS, events_of, faulty, make_run

pytestmark = pytest.mark.bench
EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "e2b"])
_STEPS = 1_000
_ROUNDS = 9


def _round_trips(transport: Transport, folder: Path, times: int) -> list[float]:
    took = []
    (folder / "run").mkdir()
    with transport:
        transport.start(LaunchSpec(folder / "run", folder, Bundle("", {})))
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


STORAGES = pytest.mark.parametrize("env", [{}, {"E2B_FORCE_SPILL": "1"}], ids=["memory", "spill"])


@STORAGES
@EVERYWHERE
def test_step_overhead(tmp_path: Path, on: str, env: dict[str, str], transport: Transport) -> None:
    outcome = make_run(
        tmp_path, on, text=_chain(_STEPS), env=env, transport=transport, artifact_policy="none"
    )
    assert outcome.status == "success", outcome.reason
    print(f"\n{on} {'spill' if env else 'memory'}: {_ms_a_step(outcome.path):.2f} ms a step")


def _ms_a_step(run: Path) -> float:
    at = [
        datetime.fromisoformat(event["ts"]).timestamp()
        for event in events_of(run)
        if event["event"] == "step_complete"
    ]
    return (at[-1] - at[0]) / (len(at) - 1) * 1000


@dataclass(frozen=True)
class Cost:
    """What a step took, in ms: of a processor in the worker and in the host, on the clock, and from question to answer.

    ``new_file`` is what the system took for an empty file beside its artifacts.
    """

    worker: float
    host: float
    wall: float
    answered: float
    new_file: float


@STORAGES
@pytest.mark.parametrize("on", ["local", "none"])
def test_step_overhead_with_host_beside_original(tmp_path: Path, on: str, env: dict[str, str]) -> None:
    """Each side with its wire: a JSON line in, JSON lines out; each writes its log.

    The original's worker keeps its own log and stands alone here: its host is left out, ours is counted in.
    """
    python = os.environ.get("OSIRIS_TEST_ORIGINAL_PYTHON")
    if not python:
        pytest.skip("OSIRIS_TEST_ORIGINAL_PYTHON names no interpreter that has osiris-pipeline")
    pairs = [
        (_ours(tmp_path / f"ours{turn}", on, env), _theirs(tmp_path / f"theirs{turn}", python, env))
        for turn in range(_ROUNDS)
    ]
    print(f"\n{on} {'spill' if env else 'memory'}, ms a step, medians of {_ROUNDS} pairs of {_STEPS} steps:")
    print(f"  ours: {_medians([ours for ours, _ in pairs])}\n  theirs: {_medians([its for _, its in pairs])}")
    answered = statistics.median(ours.answered / its.answered for ours, its in pairs)
    whole = statistics.median((ours.worker + ours.host) / its.worker for ours, its in pairs)
    wall = statistics.median(ours.wall / its.wall for ours, its in pairs)
    alone = statistics.median(ours.worker / its.worker for ours, its in pairs)
    worker = "" if on == "local" else f", our worker alone {alone:.2f}"
    print(f"  ours, host and log counted in, over their worker: CPU {whole:.2f}{worker}; wall {wall:.2f}")
    print(f"  from question to answer: {answered:.2f}")
    _print_new_files(pairs)


@STORAGES
def test_step_overhead_beside_original_worker(tmp_path: Path, env: dict[str, str]) -> None:
    """Each worker alone, driven by the same plain loop, without the work of a host.

    Use a fresh ``--basetemp``: ext4 without a journal skips recently removed files one by one, and pytest removes those of
    earlier runs when it begins. There a new file costs both sides most of a step.
    """
    python = os.environ.get("OSIRIS_TEST_ORIGINAL_PYTHON")
    if not python:
        pytest.skip("OSIRIS_TEST_ORIGINAL_PYTHON names no interpreter that has osiris-pipeline")
    asked = Recorded(ENVIRONMENT, "none")
    outcome = make_run(tmp_path, text=_chain(_STEPS), env=env, transport=asked)
    assert outcome.status == "success", outcome.reason
    pairs = [
        (
            _alone(tmp_path / f"ours{turn}", outcome.path, asked),
            _theirs(tmp_path / f"theirs{turn}", python, env),
        )
        for turn in range(_ROUNDS)
    ]
    print(
        f"\nworker beside worker, {'spill' if env else 'memory'}, medians of {_ROUNDS} pairs of {_STEPS} steps:"
    )
    print(f"  ours: {_medians([ours for ours, _ in pairs])}\n  theirs: {_medians([its for _, its in pairs])}")
    storage = "spilled frame" if env else "frame in memory"
    for what, unit in (("answered", "ms"), ("worker", "ms of CPU")):
        medians = [
            statistics.median(getattr(cost, what) for cost in side) for side in zip(*pairs, strict=True)
        ]
        print_row(f"overhead of a step, {storage}", medians[0], "the original's worker", medians[1], unit)
        ratios = sorted(getattr(ours, what) / getattr(its, what) for ours, its in pairs)
        print(f"  {what}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    _print_new_files(pairs)


class Recorded(Stdio):
    """A worker whose commands are recorded, so that they can be sent again."""

    def start(self, launch: LaunchSpec) -> str:
        """Start it."""
        self.launch, self.lines = launch, list[bytes]()
        return super().start(launch)

    def send(self, line: bytes) -> None:
        """Ask it."""
        self.lines.append(line)
        super().send(line)


def _alone(folder: Path, before: Path, asked: Recorded) -> Cost:
    """What our worker takes for the questions of an earlier run, in a run directory as it was before the first of them."""
    session = folder / before.name
    left_out = shutil.ignore_patterns("s[0-9]*", "*.jsonl", "status.json", "run_card.json", "*.log")
    for name in ("manifest.yaml", "cfg", "artifacts"):
        copy = shutil.copytree if (before / name).is_dir() else shutil.copy2
        session.mkdir(parents=True, exist_ok=True)
        copy(before / name, session / name, **({"ignore": left_out} if name == "artifacts" else {}))
    command = asked._command(replace(asked.launch, run_dir=session), asked.launch.permissions)
    prepare, *steps = asked.lines
    with (folder / "stderr").open("wb") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=asked.launch.base,
            env={**asked._variables(), "TMPDIR": str(folder)},
        )
    with process:
        _answered(process, prepare)
        marks, answers = [], []
        for number, line in enumerate(steps[:_STEPS], start=1):
            began = time.perf_counter()
            answer = _answered(process, line)
            answers.append(time.perf_counter() - began)
            assert answer["rows_processed"] == 3
            if number in (1, _STEPS):
                marks.append((_cpu_of(process.pid), time.process_time(), time.perf_counter()))
        process.kill()
    spilled = len(list(session.glob("artifacts/*/schema.json")))
    assert spilled in (0, _STEPS)
    return _between(*marks, statistics.mean(answers[1:]) * 1000, _ms_a_new_file(session / "artifacts"))


def _answered(process: "subprocess.Popen[bytes]", line: bytes) -> dict[str, Any]:
    """Ask our worker one thing; its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(line)
    process.stdin.flush()
    while True:
        answer: dict[str, Any] = orjson.loads(process.stdout.readline())
        if answer["type"] not in ("event", "metric"):
            assert answer["type"] == "response", answer
            return answer


def _print_new_files(pairs: list[tuple[Cost, Cost]]) -> None:
    ours, its = (statistics.median(side) * 1000 for side in zip(*_new_files(pairs), strict=True))
    print(f"  a new file: {ours:.0f} µs where ours wrote, {its:.0f} µs where theirs did")


def _new_files(pairs: list[tuple[Cost, Cost]]) -> list[tuple[float, float]]:
    return [(ours.new_file, its.new_file) for ours, its in pairs]


def _medians(costs: list[Cost]) -> str:
    worker, host, wall, answered = (
        statistics.median(getattr(cost, name) for cost in costs)
        for name in ("worker", "host", "wall", "answered")
    )
    return f"worker {worker:.2f} CPU, host {host:.2f} CPU, wall {wall:.2f}, answered after {answered:.2f}"


class Watch:
    """How long a worker takes to answer: from each question until the last line before the next one."""

    def __init__(self, transport: Transport) -> None:
        self.took: list[float] = []
        self._asked = self._heard = time.perf_counter()
        self._send, self._receive = transport.send, transport.receive
        vars(transport).update(send=self.send, receive=self.receive)

    def send(self, line: bytes) -> None:
        self.took.append(self._heard - self._asked)
        self._asked = time.perf_counter()
        self._send(line)

    def receive(self, timeout: float | None) -> bytes | None:
        line = self._receive(timeout)
        if line is not None:
            self._heard = time.perf_counter()
        return line


def _ours(folder: Path, on: str, env: dict[str, str]) -> Cost:
    """A whole run; what came before the first step ended is not counted."""
    transport = TRANSPORTS[on]()
    answers = Watch(transport)
    marks: list[tuple[float, float, float]] = []

    def watch(event: Event) -> None:
        if event.name == "step_complete" and event.step in ("s0", f"s{_STEPS - 1}"):
            process = getattr(transport, "_process", None)
            worker = _cpu_of(process.pid) if process else 0.0
            marks.append((worker, time.process_time(), time.perf_counter()))

    outcome = make_run(folder, on, text=_chain(_STEPS), env=env, transport=transport, on_event=watch)
    assert outcome.status == "success", outcome.reason
    # the last question, that for the cleanup, is still open: before it came the steps
    answered = statistics.mean(answers.took[1 - _STEPS :]) * 1000
    return _between(*marks, answered, _ms_a_new_file(outcome.path / "artifacts"))


def _theirs(folder: Path, python: str, env: dict[str, str]) -> Cost:
    folder.mkdir()
    script = Path(__file__).with_name("original_worker.py")
    # what it says on stderr goes to a file, as a sandbox's does to the host
    with (folder / "stderr").open("wb") as said:
        process = subprocess.Popen(
            [python, str(script), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=folder,
            env={**os.environ, **env},
        )
    with process:
        names = [f"s{number}" for number in range(_STEPS)]
        steps = [{"id": name, "driver": "test.nothing", "cfg_path": f"cfg/{name}.json"} for name in names]
        manifest = {"pipeline": {"id": "p"}, "steps": steps}
        _asked(process, {"cmd": "prepare", "session_id": "bench", "manifest": manifest})
        session = folder / "home/user/session/bench"
        (session / "cfg").mkdir()
        for name in names:
            (session / f"cfg/{name}.json").write_text('{"component": "test.nothing", "do": "nothing"}')
        marks, answers = [], []
        for step in steps:
            words = {"cmd": "exec_step", "step_id": step["id"], "driver": step["driver"], "inputs": {}}
            asked = time.perf_counter()
            _asked(process, {**words, "cfg_path": step["cfg_path"]})
            answers.append(time.perf_counter() - asked)
            if step["id"] in (names[0], names[-1]):
                marks.append((_cpu_of(process.pid), time.process_time(), time.perf_counter()))
        process.kill()
    written = bool(list(session.glob("artifacts/*/output.parquet")))
    assert written is bool(env), "it did not spill as it was told to"
    return _between(*marks, statistics.mean(answers[1:]) * 1000, _ms_a_new_file(session / "artifacts"))


def _asked(process: "subprocess.Popen[bytes]", command: dict[str, Any]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(orjson.dumps(command) + b"\n")
    process.stdin.flush()
    while True:
        answer = orjson.loads(process.stdout.readline())
        if answer.get("type") not in ("event", "metric"):
            assert answer.get("status") in ("ready", "complete"), answer
            return


def _between(
    first: tuple[float, float, float], last: tuple[float, float, float], answered: float, new_file: float
) -> Cost:
    worker, host, wall = ((end - begin) / (_STEPS - 1) * 1000 for begin, end in zip(first, last, strict=True))
    return Cost(worker, host, wall, answered, new_file)


def _ms_a_new_file(folder: Path) -> float:
    """What an empty file costs there: twenty times as much where ext4 has to pass over those that were removed lately.

    Each side makes three files and a folder a step: where that is what they do most of the time, their ratio nears 1.
    """
    took = []
    for number in range(200):
        began = time.perf_counter()
        (folder / f".new{number}").touch()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def _cpu_of(pid: int) -> float:
    """Seconds of a processor that a process and its threads have taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
