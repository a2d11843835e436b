"""Local and sandbox are one behaviour: same steps, same events, same order, same errors."""

from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from tests.runtime.pipelines import STATS, TWO_BRANCHES
from tests.runtime.runs import TRANSPORTS, comparable, events_of, make_run

pytestmark = pytest.mark.sampled(3)

STORAGES = {
    "memory": {},
    "forced spill": {"E2B_FORCE_SPILL": "1"},
    "threshold 0": {"E2B_SPILL_THRESHOLD": "0"},
}


@pytest.mark.sampled(2)
@pytest.mark.parametrize("env", STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("text", [STATS, TWO_BRANCHES], ids=["good", "two branches, one broken"])
def test_local_and_sandbox_write_the_same_events_in_the_same_order(
    tmp_path: Path, text: str, env: dict[str, str]
) -> None:
    local = make_run(tmp_path, "local", text=text, env=env)
    sandbox = make_run(tmp_path, "sandbox", text=text, env=env)
    assert local.status == sandbox.status
    assert comparable(local.path) == comparable(sandbox.path)


@pytest.mark.parametrize("on", TRANSPORTS)
def test_in_memory_a_frame_is_in_memory_and_resolved_from_there(tmp_path: Path, on: str) -> None:
    path = make_run(tmp_path, on).path
    card = orjson.loads((path / "artifacts/_system/run_card.json").read_bytes())["steps"]
    resolved = [event for event in events_of(path) if event["event"] == "inputs_resolved"]
    assert [entry["has_df_in_memory"] for entry in card] == [True, True, False]
    assert [entry["spill_used"] for entry in card] == [False, False, False]
    assert [entry["spill_paths"] for entry in card] == [None, None, None]
    assert [event.get("from_memory") for event in resolved] == [True, True]
    assert not list(path.glob("artifacts/*/output.parquet"))


@pytest.mark.parametrize(
    "env", [STORAGES["forced spill"], STORAGES["threshold 0"]], ids=["forced", "threshold"]
)
@pytest.mark.parametrize("on", TRANSPORTS)
def test_spilled_a_frame_is_on_disk_and_resolved_from_there(
    tmp_path: Path, on: str, env: dict[str, str]
) -> None:
    path = make_run(tmp_path, on, env=env).path
    card = orjson.loads((path / "artifacts/_system/run_card.json").read_bytes())["steps"]
    resolved = [event for event in events_of(path) if event["event"] == "inputs_resolved"]
    assert [entry["spill_used"] for entry in card] == [True, True, False]
    assert [entry["has_df_in_memory"] for entry in card] == [False, False, False]
    assert [event.get("from_spill") for event in resolved] == [True, True]
    for entry in card[:2]:
        assert pq.read_metadata(path / entry["spill_paths"]["parquet"]).num_rows == entry["rows_out"]
        schema = orjson.loads((path / entry["spill_paths"]["schema"]).read_bytes())
        assert schema["row_count"] == entry["rows_out"]
        assert {"columns", "dtypes"} <= set(schema)


@pytest.mark.parametrize("on", TRANSPORTS)
def test_rows_out_carries_the_rows_a_step_gave(tmp_path: Path, on: str) -> None:
    told = [
        (event["step_id"], event["value"])
        for event in events_of(make_run(tmp_path, on).path)
        if event["event"] == "rows_out"
    ]
    assert told == [("extract-movies", 14), ("compute-stats", 3)]


@pytest.mark.parametrize("on", TRANSPORTS)
def test_no_frame_crosses_the_wire(tmp_path: Path, on: str) -> None:
    lines = (make_run(tmp_path, on).path / "events.jsonl").read_text()
    assert "Film 7" not in lines
