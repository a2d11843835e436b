"""Each sample run says what its story promises."""

from pathlib import Path

import orjson
import pytest

from tests import make_samples
from tests.samples import ROOT, SAMPLES, runs, said_of

NEWER_EVENTS = {"phase", "frame_captured", "file_read", "file_written"}
"""Events of today's runs that the samples, which are older, do not have."""
EACH = pytest.mark.parametrize("run", runs(), ids=lambda run: run.parent.name)


def test_there_is_a_sample_for_each_story() -> None:
    assert sorted(path.name for path in SAMPLES.iterdir()) == sorted(make_samples.STORIES)


@EACH
def test_the_inspector_says_what_stands_beside_the_run(run: Path) -> None:
    assert said_of(run) == orjson.loads((run.parent / "expected.json").read_bytes())


@EACH
def test_no_sample_tells_of_the_machine_that_made_it(run: Path) -> None:
    for path in run.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(ROOT).encode() not in data, path
            assert b"/tmp/" not in data, path


@pytest.mark.parametrize(
    ("story", "status", "cause"),
    [
        ("good_local", "success", None),
        ("all_spilled", "success", None),
        ("original_nonetype", "failed", ("frame-dropped-from-cache", "extract-movies")),
        ("missing_input", "failed", ("input-key-wrong", "compute-stats")),
        ("killed_worker", "failed", ("worker-killed", "compute-stats")),
        ("empty_source", "success", None),
        ("partly_skipped", "failed", ("column-missing", "broken")),
    ],
)
def test_a_story_has_the_cause_it_was_made_with(
    story: str, status: str, cause: tuple[str, str] | None
) -> None:
    (run,) = [path for path in runs() if path.parent.name == story]
    said = said_of(run)
    root = said["root_cause"]
    assert (said["status"], root and (root["rule"], root["step"])) == (status, cause)


def test_made_again_a_story_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shape(run: Path) -> list[tuple[str, object]]:
        lines = (run / "events.jsonl").read_bytes().splitlines()
        events = [event for event in map(orjson.loads, lines) if event["event"] not in NEWER_EVENTS]
        return [(event["event"], event.get("step_id")) for event in events]

    (committed,) = [path for path in runs() if path.parent.name == "partly_skipped"]
    monkeypatch.setattr(make_samples, "SAMPLES", tmp_path)
    assert shape(make_samples.make("partly_skipped")) == shape(committed)
