"""Steps whose results a run takes over from an earlier run."""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import get_renderer
from osiris_inspect.inspector.why.step_explanation import explain_step
from osiris_inspect.model.errors import InputsGone
from osiris_inspect.runtime.planning.reused_step import ReusedStep, RunOrigin
from osiris_inspect.runtime.proxy.proxy import RunResult, run
from tests.runtime.clouds import cloud, transport  # noqa: F401  fixtures
from tests.runtime.runs import NAMES, events_of, make_run, order, status_of

if TYPE_CHECKING:
    from osiris_inspect.runtime.transport.transport import Transport


def _stored(path: Path) -> dict[str, dict[str, Any]]:
    return {event["step_id"]: event for event in events_of(path) if event["event"] == "output_stored"}


def _first(folder: Path) -> tuple[RunResult, dict[str, ReusedStep]]:
    """A run with its frames on disk, and what another run can take over of it."""
    first = make_run(folder, env={"E2B_FORCE_SPILL": "1"})
    frame = _stored(first.path)["extract-movies"]
    return first, {
        "extract-movies": ReusedStep(first.path.name, first.path, frame["fingerprint"], frame["rows"])
    }


def _tree(folder: Path) -> Mapping[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("on", [*NAMES, "e2b"])
def test_frame_of_earlier_run_is_input(tmp_path: Path, on: str, transport: "Transport") -> None:  # noqa: F811
    first, reused = _first(tmp_path)
    before = _tree(first.path)
    shutil.move(tmp_path / "stats.csv", tmp_path / "before.csv")
    origin = RunOrigin("resume", first.path.name)
    outcome = run(order(tmp_path, reused=reused, origin=origin), transport)
    events = events_of(outcome.path)
    assert outcome.status == "success"
    assert (tmp_path / "stats.csv").read_bytes() == (tmp_path / "before.csv").read_bytes()
    assert _tree(first.path) == before
    assert events[0]["origin"] == {"kind": "resume", "run": first.path.name, "step": None, "done": []}
    (event,) = [event for event in events if event["event"] == "step_reused"]
    frame = _stored(first.path)["extract-movies"]
    assert {key: event[key] for key in ("step_id", "from_run", "fingerprint", "rows", "schema_hash")} == {
        "step_id": "extract-movies",
        "from_run": first.path.name,
        "fingerprint": frame["fingerprint"],
        "rows": 14,
        "schema_hash": frame["schema_hash"],
    }
    assert event["how"] in ("copied", "linked")
    resolved = [event for event in events if event["event"] == "inputs_resolved"]
    assert [(event["from_step"], event["rows"], "from_spill" in event) for event in resolved] == [
        ("extract-movies", 14, True),
        ("compute-stats", 3, False),
    ]
    assert [event["step_id"] for event in events if event["event"] == "step_start"] == [
        "compute-stats",
        "write-stats",
    ]
    assert status_of(outcome.path)["steps_completed"] == 3
    assert _tree(outcome.path / "artifacts/extract-movies") == _tree(first.path / "artifacts/extract-movies")


def test_reused_step_in_reports(tmp_path: Path) -> None:
    first, reused = _first(tmp_path)
    done = {"write-stats": ReusedStep(first.path.name, first.path, None, 3, "done")}
    outcome = run(order(tmp_path, reused={**reused, **done}), make_transport())
    report = analyze(outcome.path)
    assert report.run.status == "success"
    assert [(step.id, step.status, step.rows_out, step.storage) for step in report.run.steps] == [
        ("extract-movies", "reused", 14, "spill"),
        ("compute-stats", "succeeded", 3, "memory"),
        ("write-stats", "reused", 3, "none"),
    ]
    assert [finding.rule for finding in report.findings] == []
    card = orjson.loads((outcome.path / "artifacts/_system/run_card.json").read_bytes())["steps"]
    assert [(step["status"], step.get("reused_from"), step["spill_used"]) for step in card] == [
        ("reused", first.path.name, True),
        ("succeeded", None, False),
        ("reused", first.path.name, False),
    ]
    assert explain_step(report, "extract-movies").verdict == (
        f"step 'extract-movies' did not run; its result is of {first.path.name}"
    )
    for name in ("html", "json", "junit", "markdown", "text"):
        text = io.StringIO()
        get_renderer(name)([report], text)
        assert "reused" in text.getvalue(), name
    text = io.StringIO()
    get_renderer("openlineage")([report], text)
    assert {json.loads(line)["job"]["name"] for line in text.getvalue().splitlines()} == {
        "director-stats",
        "director-stats.compute-stats",
    }


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("fingerprint", "is of another frame: its fingerprint is "),
        ("parquet", "is not the file that was written: its hash differs from schema.json"),
        ("schema", "does not exist"),
    ],
)
def test_other_frame_stops_before_run_directory(tmp_path: Path, damage: str, reason: str) -> None:
    first, reused = _first(tmp_path)
    folder = first.path / "artifacts/extract-movies"
    if damage == "fingerprint":
        reused = {"extract-movies": ReusedStep(first.path.name, first.path, "0" * 32, 14)}
    elif damage == "parquet":
        data = bytearray((folder / "output.parquet").read_bytes())
        data[100] ^= 1
        (folder / "output.parquet").write_bytes(data)
    else:
        (folder / "schema.json").unlink()
    with pytest.raises(InputsGone) as caught:
        run(order(tmp_path, reused=reused), make_transport())
    assert str(caught.value).startswith(
        f"the frame of step 'extract-movies' cannot be taken over from {first.path.name}: "
    )
    assert reason in str(caught.value)
    assert list((tmp_path / "logs").iterdir()) == [first.path]


def make_transport() -> "Transport":
    """A transport in this process."""
    from tests.runtime.runs import TRANSPORTS

    return TRANSPORTS["local"]()
