"""A worker at work for long shows signs of life."""

from pathlib import Path

from tests.runtime.runs import events_of, faulty, make_run


def test_a_silent_step_beats_with_phase_memory_and_disk(tmp_path: Path) -> None:
    outcome = make_run(tmp_path, "local", text=faulty("slowly"), env={"E2B_HANG_TIMEOUT": "2"})
    beats = [event for event in events_of(outcome.path) if event["event"] == "heartbeat"]
    assert len(beats) >= 3
    assert {beat["phase"] for beat in beats if beat.get("step_id") == "first"} == {"driving"}
    for key in ("rss_bytes", "peak_rss_bytes", "disk_free_bytes", "frames_memory_bytes"):
        assert all(beat[key] >= 0 for beat in beats if beat.get("step_id") == "first")


def test_a_quick_step_is_not_interrupted_by_signs_of_life(tmp_path: Path) -> None:
    outcome = make_run(tmp_path, "local")
    assert "heartbeat" not in [event["event"] for event in events_of(outcome.path)]
