"""A clock that is set during a run changes no duration, in the log and in the report."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.step_times import SteadyClock
from osiris_inspect.inspector.run.timeline import run_timeline
from osiris_inspect.model import event as events
from osiris_inspect.model.event import Event
from osiris_inspect.runtime.proxy.proxy import run
from osiris_inspect.runtime.transport.in_process import InProcess
from tests.runtime.runs import events_of, order

NOON = 1_790_000_000.0
STEPS = pytest.mark.parametrize("jump_s", [-7200.0, 1e6], ids=["back", "forward"])


def _clock(jump_s: float) -> Callable[[], float]:
    """Return a clock that goes 1 ms a reading, and jumps once in the middle of a run."""
    readings = iter(range(1_000_000))

    def read() -> float:
        number = next(readings)
        return NOON + number / 1000 + (jump_s if number > 12 else 0.0)

    return read


def _run(folder: Path, jump_s: float) -> Path:
    clock = _clock(jump_s)
    request = replace(order(folder), clock=clock)
    return run(request, InProcess(os.environ, clock)).path


def _durations(logged: list[dict[str, Any]]) -> list[float]:
    seconds = [event["duration_ms"] / 1000 for event in logged if event.get("duration_ms") is not None]
    return seconds + [event["duration_s"] for event in logged if event.get("duration_s") is not None]


@STEPS
def test_durations_of_run_ignore_the_clock(tmp_path: Path, jump_s: float) -> None:
    logged = events_of(_run(tmp_path, jump_s))
    durations = _durations(logged)
    assert len(durations) >= 4
    assert all(0 <= seconds < 60 for seconds in durations)


@STEPS
def test_report_of_run_ignores_the_clock(tmp_path: Path, jump_s: float) -> None:
    path = _run(tmp_path, jump_s)
    loaded = load(path)
    timeline = run_timeline(loaded)
    assert loaded.duration_s is not None
    assert 0 <= loaded.duration_s < 60
    assert loaded.started is not None
    assert loaded.ended is not None
    assert loaded.ended - loaded.started < 60
    assert 0 <= timeline.length < 60
    for step in loaded.steps:
        assert step.started is not None
        assert step.ended is not None
        assert 0 <= step.ended - step.started < 60
    assert analyze(path).run.status == "success"


def test_each_event_has_monotonic_time_of_its_side(tmp_path: Path) -> None:
    logged = events_of(_run(tmp_path, -7200.0))
    for side in ("host", "worker"):
        monos = [event["mono"] for event in logged if event["side"] == side]
        assert monos == sorted(monos)
        assert len(monos) > 5


def test_monotonic_time_survives_encoding() -> None:
    event = Event("step_start", 1.5, "a", session="run_1", side="worker", seq=3, mono=12.25)
    decoded = events.decode(events.encode(event))
    assert (decoded.mono, "mono" in decoded.fields) == (12.25, False)


def test_negative_duration_is_unknown() -> None:
    assert Event("run_end", fields={"duration_s": -7199.35}).duration_s is None
    assert Event("step_complete", fields={"duration_ms": -1}).duration_s is None


def _steady(*logged: tuple[str, float, float | None]) -> list[float | None]:
    clock = SteadyClock()
    return [
        clock.steady(Event("e", ts, side="host" if side == "host" else "worker", mono=mono)).ts
        for side, ts, mono in logged
    ]


def test_steady_clock_keeps_small_differences() -> None:
    assert _steady(("host", 100.0, 0.0), ("host", 105.2, 5.0), ("host", 200.0, None)) == [100.0, 105.2, 200.0]


def test_steady_clock_moves_a_side_with_another_clock() -> None:
    assert _steady(("host", 100.0, 0.0), ("worker", 9000.0, 3.0), ("worker", 9002.0, 5.0)) == [
        100.0,
        100.0,
        102.0,
    ]


def test_steady_clock_follows_a_second_worker() -> None:
    assert _steady(("worker", 100.0, 50.0), ("worker", 100.5, 0.5), ("worker", 102.5, 2.5)) == [
        100.0,
        100.5,
        102.5,
    ]
