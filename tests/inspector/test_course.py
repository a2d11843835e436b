from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.run.timeline import run_timeline
from osiris_inspect.model.event import Event
from tests.samples import runs


def step(name: str, begin: float | None, end: float | None, *needs: str) -> StepState:
    return StepState(name, "csv.extractor", "succeeded", needs=needs, started=begin, ended=end)


def run_of(*steps: StepState, events: tuple[Event, ...] = (), started: float | None = 100.0) -> Run:
    return Run(Path("run_1"), "run_1", "success", True, "native", started=started, steps=steps, events=events)


@pytest.mark.parametrize("path", runs(), ids=lambda run: run.parent.name)
def test_stretches_follow_each_other_and_lie_inside_of_the_run(path: Path) -> None:
    told = run_timeline(load(path))
    for bar in told.step_timings:
        moments = [moment for stretch in bar.phase_spans for moment in (stretch.begin, stretch.end)]
        assert moments == sorted(moments)
        assert all(0 <= moment <= told.length for moment in moments)


def test_step_waits_from_the_end_of_what_it_needs_or_from_the_beginning() -> None:
    told = run_timeline(run_of(step("a", 101, 103), step("b", 105, 106, "a")))
    phases = [[(s.phase, s.begin, s.end) for s in bar.phase_spans] for bar in told.step_timings]
    assert phases == [
        [("waiting", 0, 1), ("working", 1, 3)],
        [("waiting", 3, 5), ("working", 5, 6)],
    ]


def test_critical_path_leads_back_from_the_last_end_over_the_latest_needs() -> None:
    steps = (
        step("fast", 100, 101),
        step("slow", 100, 104),
        step("join", 104, 105, "fast", "slow"),
        step("beside", 100, 102),
    )
    told = run_timeline(run_of(*steps))
    assert [bar.step.id for bar in told.step_timings if bar.is_critical] == ["slow", "join"]


def test_steps_that_need_each_other_in_a_circle_still_have_a_course() -> None:
    told = run_timeline(run_of(step("a", 100, 101, "b"), step("b", 101, 102, "a")))
    assert all(bar.is_critical for bar in told.step_timings)


def test_time_spent_on_writing_is_taken_from_the_work() -> None:
    spill = Event("spill_write", 103.0, "a", {"ms": 500, "bytes": 10})
    (bar,) = run_timeline(run_of(step("a", 100, 103), events=(spill,))).step_timings
    assert [(s.phase, s.begin, s.end) for s in bar.phase_spans] == [("working", 0, 2.5), ("spilling", 2.5, 3)]


def test_step_without_times_has_no_stretch_and_run_without_any_has_no_start() -> None:
    assert run_timeline(run_of(step("a", None, None))).step_timings[0].phase_spans == ()
    assert run_timeline(run_of(step("a", None, None), started=None)).start is None


def test_step_that_goes_on_ends_with_what_was_heard_last() -> None:
    beat = Event("heartbeat", 109.0, "a")
    told = run_timeline(run_of(replace(step("a", 101, None), status="running"), events=(beat,)))
    assert told.step_timings[0].phase_spans[-1].end == 9
    assert not told.step_timings[0].has_ended


def test_levels_follow_frames_from_memory_to_disk_and_out() -> None:
    events = (
        Event("output_stored", 101.0, "a", {"memory_bytes": 80, "spill_bytes": 0}),
        Event("output_stored", 102.0, "b", {"memory_bytes": 20, "spill_bytes": 0}),
        Event("spill_write", 103.0, "a", {"bytes": 30}),
        Event("cleanup_complete", 104.0),
    )
    levels = run_timeline(run_of(step("a", 100, 101), events=events)).memory_levels
    assert [(level.at, level.memory, level.spill) for level in levels] == [
        (1, 80, 0),
        (2, 100, 0),
        (3, 20, 30),
        (4, 0, 30),
    ]


def test_levels_keep_a_captured_frame_in_memory_until_it_is_released() -> None:
    events = (
        Event("output_stored", 101.0, "a", {"memory_bytes": 80, "spill_bytes": 0}),
        Event("spill_write", 102.0, "a", {"bytes": 30, "in_memory": True}),
        Event("frame_released", 103.0, "a", {"bytes": 80}),
    )
    levels = run_timeline(run_of(step("a", 100, 101), events=events)).memory_levels
    assert [(level.at, level.memory, level.spill) for level in levels] == [
        (1, 80, 0),
        (2, 80, 30),
        (3, 0, 30),
    ]


def phases(*events: Event, mode: str = "e2b") -> list[tuple[str, float, float]]:
    told = run_timeline(replace(run_of(step("a", 110, 120), events=events), mode=mode))
    return [(phase.name, phase.begin, round(phase.end - phase.begin, 3)) for phase in told.phases]


def test_recorded_phases_end_at_their_event() -> None:
    recorded = (
        Event("phase", 101.0, fields={"name": "compile", "duration_ms": 3000}),
        Event("phase", 105.0, fields={"name": "sandbox", "duration_ms": 2000}),
        Event("phase", 106.0, fields={"name": "upload", "duration_ms": 1000, "bytes": 7}),
        Event("dependencies_installed", 108.0, fields={"requirements": ["x"], "duration_ms": 500}),
        Event("phase", 109.0, fields={"name": "worker", "duration_ms": 3000}),
        Event("phase", 110.0, fields={"name": "upload"}),
        Event("phase", 110.0, fields={"duration_ms": 3}),
    )
    assert phases(*recorded) == [
        ("compile", 0, 3),
        ("sandbox", 5, 2),
        ("upload", 7, 1),
        ("worker", 8, 3),
        ("install", 9.5, 0.5),
    ]


ORIGINAL = ("compile_start", "compile_complete", "adapter_selected", "adapter_execute_start", "cfg_materialized", "dependency_check",
            "dependency_install_complete", "session_initialized", "step_start", "cleanup_complete", "adapter_collect_complete")  # fmt: skip
OLD_NATIVE = (
    "run_start",
    "plan",
    "environment",
    "worker_started",
    "environment",
    "session_initialized",
    "step_start",
)


@pytest.mark.parametrize(
    ("names", "mode", "expected"),
    [
        (
            ORIGINAL,
            "e2b",
            [("compile", 0, 1), ("sandbox", 3, 2), ("install", 5, 1), ("worker", 6, 1), ("download", 9, 1)],
        ),
        (ORIGINAL[:5], "e2b", [("compile", 0, 1)]),
        (OLD_NATIVE, "e2b", [("sandbox", 2, 1), ("worker", 3, 2)]),
        (OLD_NATIVE, "sandbox", [("worker", 3, 2)]),
    ],
)
def test_phases_of_older_logs_are_derived(
    names: tuple[str, ...], mode: str, expected: list[tuple[str, float, float]]
) -> None:
    assert phases(*(Event(name, 100.0 + at) for at, name in enumerate(names)), mode=mode) == expected
