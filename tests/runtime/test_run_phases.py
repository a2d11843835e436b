"""The phases of a run outside its steps are in the log, with their duration."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.timeline import run_timeline
from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.runs import NAMES, events_of, make_run

pytestmark = pytest.mark.usefixtures("nothing_left")


def phases(path: Path) -> list[dict[str, Any]]:
    found = [event for event in events_of(path) if event["event"] == "phase"]
    assert all(event["side"] == "host" and 0 < event["duration_ms"] < 60_000 for event in found)
    return found


@pytest.mark.parametrize("on", NAMES)
def test_local_run_records_compile_and_worker(tmp_path: Path, on: str) -> None:
    path = make_run(tmp_path, on).path
    assert [event["name"] for event in phases(path)] == ["compile", "worker"]


@pytest.mark.parametrize("on", ["e2b"])
def test_remote_run_records_every_phase(tmp_path: Path, on: str, transport: Transport) -> None:
    path = make_run(tmp_path, on, transport=transport).path
    found = phases(path)
    assert [event["name"] for event in found] == ["compile", "sandbox", "upload", "worker", "download"]
    sizes = {event["name"]: event["bytes"] for event in found if "bytes" in event}
    assert list(sizes) == ["upload", "download"]
    assert all(size > 0 for size in sizes.values())
    timeline = run_timeline(load(path))
    spans = [(phase.begin, phase.end) for phase in timeline.phases]
    assert [phase.name for phase in timeline.phases] == [event["name"] for event in found]
    assert all(end <= begin + 0.01 for (_, end), (begin, _) in itertools.pairwise(spans))
    assert spans[0][0] >= 0
    assert spans[-1][1] <= timeline.length
