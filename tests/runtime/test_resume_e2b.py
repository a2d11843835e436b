"""Runs in the stand-in for E2B that are continued there: frames are uploaded, and downloaded files count as written."""

from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.runtime.planning.reused_step import RunOrigin
from osiris_inspect.runtime.proxy.proxy import run
from osiris_inspect.runtime.replay.reuse_plan import results_of
from tests.runtime.clouds import cloud, in_the  # noqa: F401  a fixture
from tests.runtime.resuming import plan, texts
from tests.runtime.runs import events_of, order

if TYPE_CHECKING:
    from tests.runtime.fake_e2b.cloud import Cloud

PIPELINE = """\
oml_version: "0.1.0"
name: remote
steps:
  - {id: ext, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: write, component: filesystem.csv_writer, needs: [ext], config: {path: all.csv}}
  - {id: bad, component: duckdb.processor, needs: [ext], config: {query: SELECT COLUMN FROM df}}
  - {id: last, component: filesystem.csv_writer, needs: [bad], config: {path: last.csv}}
"""


def test_remote_run_continues(tmp_path: Path, cloud: "Cloud") -> None:  # noqa: F811
    more = {"text": PIPELINE.replace("COLUMN", "nope"), "artifact_policy": "all"}
    first = run(order(tmp_path, **more), in_the(cloud))
    assert first.status == "failed"
    more["text"] = PIPELINE.replace("COLUMN", "id")
    entries = plan(first.path, order(tmp_path, **more))
    assert texts(entries) == {
        "ext": "reuse",
        "write": "done: wrote 14 rows",
        "bad": "run: did not succeed",
        "last": "run: did not succeed",
    }
    reused, expected = results_of(tuple(entries.values()))
    origin = RunOrigin("resume", first.path.name)
    outcome = run(order(tmp_path, reused=reused, expected=expected, origin=origin, **more), in_the(cloud))
    assert outcome.status == "success", outcome.reason
    assert len((tmp_path / "last.csv").read_text().splitlines()) == 15
    names = {event["event"] for event in events_of(outcome.path)}
    assert not names & {"artifact_refused", "artifact_left", "artifact_lost"}


def test_file_that_was_not_downloaded_is_written_again(tmp_path: Path, cloud: "Cloud") -> None:  # noqa: F811
    more = {"text": PIPELINE.replace("COLUMN", "nope"), "artifact_policy": "all"}
    first = run(order(tmp_path, **more), in_the(cloud))
    log = first.path / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(line for line in lines if b'"path":"all.csv"' not in line))
    entries = plan(first.path, order(tmp_path, **more))
    assert texts(entries)["write"] == "run: did not succeed"
