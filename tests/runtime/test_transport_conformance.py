"""One behaviour over every transport: the same events, the same artifacts, the same files, whatever carries them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.runtime.transport.transport import Transport
from tests.runtime.pipelines import STATS, TWO_BRANCHES
from tests.runtime.runs import NAMES, comparable, events_of, faulty, make_run, metrics_of

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

EVERYWHERE = pytest.mark.parametrize("on", [*NAMES, "e2b"])
AWAY = pytest.mark.parametrize("on", [name for name in (*NAMES, "e2b") if name != "local"])
STORAGES = {"memory": {}, "spill": {"E2B_FORCE_SPILL": "1"}}
_ONLY_FAR = {"artifact_fetched", "artifact_left"}
_PHASES_ONLY_FAR = {"sandbox", "upload", "download"}


def _same(path: Path, base: Path) -> list[dict[str, Any]]:
    """The events without time and place, numbers of events, and what only a far worker needs."""
    events = [
        event
        for event in comparable(path)
        if event["event"] not in _ONLY_FAR
        and not (event["event"] == "phase" and event["name"] in _PHASES_ONLY_FAR)
    ]
    text = orjson.dumps([_without_numbers(event) for event in events]).decode()
    text = text.replace(str(base), "<base>")
    loaded: list[dict[str, Any]] = orjson.loads(_home_out(text))
    return loaded


def _home_out(text: str) -> str:
    import re

    return re.sub(r"(/tmp/fake-e2b-\w+/\w+/home|~)/osiris-\w+/work", "<base>", text)


def _without_numbers(event: dict[str, Any]) -> dict[str, Any]:
    dropped = {"seq", "last_seq", "sandbox", "template", "package"} | (
        {"locale"} if event["event"] == "environment" else set()
    )
    return {key: value for key, value in event.items() if key not in dropped}


@pytest.mark.parametrize("env", STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("text", [STATS, TWO_BRANCHES], ids=["good", "two branches, one broken"])
@AWAY
def test_every_transport_writes_the_same_events_and_the_same_files(
    tmp_path: Path, on: str, text: str, env: dict[str, str], transport: Transport
) -> None:
    here = make_run(tmp_path / "here", "local", text=text, env=env)
    there = make_run(tmp_path / "there", on, text=text, env=env, transport=transport, artifact_policy="all")
    assert here.status == there.status
    assert _same(here.path, tmp_path / "here") == _same(there.path, tmp_path / "there")
    assert _files(here.path) == _files(there.path)
    assert _outputs(tmp_path / "here") == _outputs(tmp_path / "there")


def _files(run: Path) -> dict[str, bytes]:
    """What a run leaves that is the same in every run: configurations, frames and their schemas."""
    kept = [*run.glob("cfg/*"), *run.glob("artifacts/*/*")]
    return {
        path.relative_to(run).as_posix(): path.read_bytes()
        for path in kept
        if path.name != "run_card.json" and not path.name.startswith(".")
    } | {"manifest.yaml": (run / "manifest.yaml").read_bytes()}


def _outputs(base: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in base.glob("*.csv")}


@AWAY
def test_files_get_the_modes_they_get_in_a_local_run(
    tmp_path: Path, on: str, transport: Transport, umask: int
) -> None:
    spilled = {"E2B_FORCE_SPILL": "1"}
    here = make_run(tmp_path / "here", "local", env=spilled)
    there = make_run(tmp_path / "there", on, env=spilled, transport=transport, artifact_policy="all")
    modes = _modes(tmp_path / "there", there.path)
    assert modes == _modes(tmp_path / "here", here.path)
    assert modes["stats.csv"] == 0o666 & ~umask
    assert modes["artifacts/compute-stats/output.parquet"] == 0o600


@pytest.fixture
def umask() -> Iterator[int]:
    """A umask that is nobody's default."""
    before = os.umask(0o027)
    yield 0o027
    os.umask(before)


def _modes(base: Path, run: Path) -> dict[str, int]:
    """The modes of the outputs, and of all that lies in a run directory."""
    files = {path.name: path for path in base.glob("*.csv")}
    files |= {path.relative_to(run).as_posix(): path for path in run.rglob("*")}
    return {name: path.stat().st_mode & 0o777 for name, path in files.items()}


@EVERYWHERE
def test_metrics_come_whole_and_in_order(tmp_path: Path, on: str, transport: Transport) -> None:
    outcome = make_run(tmp_path, on, text=faulty("tell_much", times="5000"), transport=transport)
    assert [entry["value"] for entry in metrics_of(outcome.path) if entry["metric"] == "beat"] == list(
        range(5000)
    )


@EVERYWHERE
def test_what_a_driver_prints_reaches_the_workers_log_and_not_the_wire(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    outcome = make_run(tmp_path, on, text=faulty("print_by_every_route"), transport=transport)
    assert outcome.status == "success"
    log = (outcome.path / "worker.log").read_text()
    for words in ("printed", "written to descriptor 1", "put by C", "echoed by a child", "half a line"):
        assert words in log
    assert not [event for event in events_of(outcome.path) if event["event"] in ("forged", "wire_error")]


@EVERYWHERE
@pytest.mark.parametrize(
    ("what", "last"),
    [("print_traceback", "KeyError: 'temp'"), ("warn", "WARNING - UserWarning: stopped after 10 pages")],
)
def test_traceback_and_warning_of_driver_reach_the_log(
    tmp_path: Path, on: str, transport: Transport, what: str, last: str
) -> None:
    outcome = make_run(tmp_path, on, text=faulty(what), transport=transport)
    assert f"{last}\n" in (outcome.path / "worker.log").read_text()


@EVERYWHERE
def test_the_host_says_what_it_sent_and_the_worker_what_it_found(
    tmp_path: Path, on: str, transport: Transport
) -> None:
    events = events_of(make_run(tmp_path, on, transport=transport).path)
    (sent,) = [event for event in events if event["event"] == "parcel"]
    (found,) = [event for event in events if event["event"] == "parcel_checked"]
    assert sent["files"] == found["files"]
    assert sent["package"] == found["package"]
    assert sent["package"].startswith("sha256:")
    assert set(sent["files"]) == {
        "manifest.yaml",
        "artifacts/_system/components.json",
        "cfg/extract-movies.json",
        "cfg/compute-stats.json",
        "cfg/write-stats.json",
    }


@EVERYWHERE
def test_settings_of_the_host_reach_the_worker(tmp_path: Path, on: str, transport: Transport) -> None:
    outcome = make_run(tmp_path, on, env={"E2B_SPILL_THRESHOLD": "5"}, transport=transport)
    stored = [event["storage"] for event in events_of(outcome.path) if event["event"] == "output_stored"]
    assert stored == ["spill", "memory", "none"]  # 14 rows, 3 rows, none
