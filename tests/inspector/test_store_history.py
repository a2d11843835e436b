"""The frame store at each moment: of runs made here, of every kind of event, and of the runs of the original."""

from pathlib import Path
from typing import Any

import pytest

import osiris_inspect as oi
from osiris_inspect.inspector.analysis.store_history import FrameState, StoreHistory, store_history
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.reader.loader import load
from tests.inspector.accuracy import CORPUS
from tests.samples import SAMPLES
from tests.tui.test_real_runs import event, write

PIPELINE = """oml_version: "0.1.0"
name: people
steps:
- id: read
  component: filesystem.csv_extractor
  config: {path: people.csv}
- id: adults
  component: duckdb.processor
  needs: [read]
  config: {query: "SELECT * FROM df WHERE age >= 18"}
- id: write
  component: filesystem.csv_writer
  needs: [adults]
  config: {path: adults.csv}
"""


def history_of(folder: Path, *events: dict[str, Any]) -> StoreHistory:
    run = folder / "run_1795348800000"
    write(run, *events)
    return store_history(load(run))


def locations(history: StoreHistory, step: str) -> list[tuple[str, str]]:
    """Return the label of each moment that changed the frame of a step, and its location then."""
    found: list[tuple[str, str]] = []
    for number, moment in enumerate(history.moments):
        location = history.step_at(step, number).frame.location
        if location != (found[-1][1] if found else ""):
            found.append((moment.label, location))
    return found


def stored(seq: int, step: str, storage: str = "memory", **fields: object) -> dict[str, Any]:
    sizes = {
        "memory_bytes": 100 if storage == "memory" else 0,
        "spill_bytes": 40 if storage == "spill" else 0,
    }
    return event(seq, "output_stored", step_id=step, rows=2, storage=storage, **sizes, **fields)


def test_run_with_released_frames_names_each_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("E2B_RELEASE_CONSUMED", "1")
    (tmp_path / "people.csv").write_text("name,age\nAda,36\nBob,12\n")
    (tmp_path / "people.yaml").write_text(PIPELINE)
    run = oi.run(tmp_path / "people.yaml", logs=tmp_path / "logs")
    history = store_history(load(run.path))
    named = [
        (moment.event.name, moment.event.step, moment.changes_store)
        for moment in history.moments
        if moment.event is not None
    ]
    assert named == [
        ("step_start", "read", False),
        ("output_stored", "read", True),
        ("step_complete", "read", False),
        ("step_start", "adults", False),
        ("output_stored", "adults", True),
        ("step_complete", "adults", False),
        ("frame_released", "read", True),
        ("step_start", "write", False),
        ("step_complete", "write", False),
        ("frame_released", "adults", True),
    ]
    assert [history.step_at("read", number).frame.location for number in range(len(named) + 1)] == (
        ["", ""] + 5 * ["memory"] + 4 * ["released"]
    )
    assert [history.waiting("read", number) for number in (2, 4, 6)] == [("adults",), ("adults",), ()]
    assert history.step_at("read", 2).frame.rows == 2
    assert history.frame_since("read", 9).label == history.moments[7].label
    assert history.is_recorded


def test_next_change_and_step_stop_at_the_ends(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        event(0, "run_start"),
        event(1, "step_start", step_id="a"),
        event(2, "heartbeat", step_id="a"),
        stored(3, "a"),
        event(4, "step_complete", step_id="a"),
        event(5, "step_start", step_id="b"),
        stored(6, "b"),
        event(7, "step_complete", step_id="b"),
        event(8, "cleanup_complete", frames_let_go=["a", "b"]),
        event(9, "run_end", status="success"),
    )
    labels = [moment.label for moment in history.moments]
    assert labels == ["start", "seq 1", "seq 3", "seq 4", "seq 5", "seq 6", "seq 7", "seq 8"]

    def walk(by: int, number: int, move: Any) -> list[str]:
        seen = []
        while (following := move(number, by)) != number:
            number = following
            seen.append(labels[number])
        return seen

    assert walk(1, 0, history.next_change) == ["seq 3", "seq 6", "seq 8"]
    assert walk(-1, 7, history.next_change) == ["seq 6", "seq 3", "start"]
    assert walk(1, 0, history.next_step) == ["seq 1", "seq 5", "seq 8"]
    assert walk(-1, 7, history.next_step) == ["seq 5", "seq 1", "start"]
    assert [history.changes_until(number) for number in (0, 2, 6)] == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([event(4, "spill_write", step_id="a", rows=2, bytes=40, ok=True, in_memory=False)], "spill"),
        ([event(4, "spill_write", step_id="a", rows=2, bytes=40, ok=True, in_memory=True)], "memory, spill"),
        ([event(4, "spill_failed", step_id="a", error="no space")], "memory"),
        (
            [event(4, "frame_released", step_id="a", bytes=100, reason="its last consumer has finished")],
            "released",
        ),
        (
            [
                event(4, "spill_write", step_id="a", rows=2, bytes=40, ok=True, in_memory=True),
                event(5, "frame_released", step_id="a", bytes=100, reason="over the budget; already on disk"),
            ],
            "spill",
        ),
        ([event(4, "cleanup_complete", frames_let_go=["b"])], "memory"),
        ([event(4, "cleanup_complete", frames_let_go=["a"])], "released"),
        ([event(4, "cleanup_complete")], "released"),
        ([event(4, "worker_lost", error="killed", phase="idle")], "lost"),
        ([event(4, "worker_lost", error="killed", phase="idle", worker=2)], "memory"),
        ([event(4, "worker_lost", error="killed", phase="idle", worker=1)], "lost"),
        ([event(4, "step_failed", step_id="b", error="gone", error_type="WorkerLost")], "lost"),
        ([event(4, "step_failed", step_id="b", error="no such column", error_type="DriverError")], "memory"),
        (
            [
                event(
                    4,
                    "frame_captured",
                    step_id="b",
                    input="df",
                    from_step="a",
                    path="artifacts/a/output.parquet",
                )
            ],
            "memory, spill",
        ),
    ],
)
def test_event_moves_a_frame_in_memory(tmp_path: Path, later: list[dict[str, Any]], expected: str) -> None:
    start = event(1, "step_start", step_id="a", worker=1)
    other = event(3, "step_start", step_id="b", worker=1)
    history = history_of(tmp_path, event(0, "run_start"), start, stored(2, "a"), other, *later)
    assert history.step_at("a", len(history.moments) - 1).frame.location == expected


def test_frame_of_an_earlier_run_is_on_disk_from_its_event_on(tmp_path: Path) -> None:
    history = history_of(
        tmp_path,
        event(0, "run_start"),
        event(1, "step_reused", step_id="a", from_run="run_1", rows=7, how="copied"),
        event(2, "step_reused", step_id="w", from_run="run_1", rows=7, how="done"),
        event(3, "run_end", status="success"),
    )
    assert history.step_at("a", 1).frame == FrameState("spill", 7)
    assert history.step_at("w", 2).frame.location == ""
    assert [moment.changes_store for moment in history.moments] == [False, True, False]


def test_log_without_store_events_takes_the_locations_of_later_lines() -> None:
    (path,) = find_runs(SAMPLES / "original_nonetype")
    history = store_history(load(path))
    assert not history.is_recorded
    assert locations(history, "extract-movies") == [("line 22", "not kept")]
    assert history.step_at("extract-movies", 2).frame.rows == 14
    assert history.waiting("extract-movies", 3) == ("compute-director-stats",)
    assert history.waiting("extract-movies", 4) == ()


def test_killed_worker_loses_what_was_in_memory() -> None:
    (path,) = find_runs(SAMPLES / "killed_worker")
    assert [location for _, location in locations(store_history(load(path)), "extract-movies")] == [
        "memory",
        "lost",
    ]


def test_steps_that_no_event_ended_change_at_the_end_of_the_log(tmp_path: Path) -> None:
    run = tmp_path / "run_1795348800000"
    write(
        run,
        event(0, "run_start"),
        event(1, "step_start", step_id="a"),
        event(2, "run_end", status="interrupted"),
    )
    loaded = load(run)
    history = store_history(loaded)
    final = loaded.step("a")
    assert final is not None
    assert history.step_at("a", len(history.moments) - 1).status == final.status
    assert history.step_at("a", 1).status == "running"
    assert history.moments[-1].is_end is (final.status != "running")


def test_long_log_has_the_moments_of_a_short_one(tmp_path: Path) -> None:
    def events(beats: int) -> list[dict[str, Any]]:
        head = [event(0, "run_start"), event(1, "step_start", step_id="a")]
        beat = [event(2, "heartbeat", step_id="a", stack="x" * 900) for _ in range(beats)]
        return [*head, *beat, stored(3, "a"), event(4, "step_complete", step_id="a")]

    def shape(history: StoreHistory) -> list[tuple[str | None, str]]:
        names = (moment.event.name if moment.event else None for moment in history.moments)
        return [(name, history.step_at("a", number).frame.location) for number, name in enumerate(names)]

    long = tmp_path / "long" / "run_1795348800000"
    write(long, *({**line, "seq": seq} for seq, line in enumerate(events(6_000))))
    loaded = load(long)
    assert not isinstance(loaded.events, tuple)
    assert shape(store_history(loaded)) == shape(history_of(tmp_path / "short", *events(1)))


@pytest.mark.skipif(not CORPUS.exists(), reason="the labelled runs of the original are not on this machine")
def test_last_moment_of_every_original_run_is_its_final_state() -> None:
    runs = [load(path) for path in find_runs(CORPUS)]
    assert len(runs) > 100
    for run in runs:
        history = store_history(run)
        last = len(history.moments) - 1
        assert tuple(history.state_at(step, last).status for step in run.steps) == tuple(
            step.status for step in run.steps
        )
        assert all(history.step_at(step.id, 0).status == "not_started" for step in run.steps)
