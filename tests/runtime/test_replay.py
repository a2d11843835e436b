"""One step of an earlier run again: the same failure on every transport, and nothing of the earlier run changes."""

import hashlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.errors import InputsGone, MaskedConfiguration, NotOurs, SettingsError
from osiris_inspect.runtime.replay.replay import Replay, ReplayHost, ReplayOptions
from tests.runtime.capturing import CAPTURING, pipeline
from tests.runtime.clouds import cloud, in_the  # noqa: F401  a fixture
from tests.runtime.runs import NAMES, TRANSPORTS, events_of, make_run, needs
from tests.samples import SAMPLES

pytestmark = pytest.mark.sampled(3)

SOURCE = """\
oml_version: "0.1.0"
name: capture
steps:
  - {id: early, component: test.source, config: {rows: "2"}}
"""


def duckdb_step(query: str) -> str:
    step = f"  - {{id: broken, component: duckdb.processor, needs: [early], config: {{query: {query!r}}}}}\n"
    return SOURCE + step


FAILURES: Mapping[str, str] = {
    "exception": pipeline("raise_error"),
    "wrong key": pipeline("wrong_key"),
    "memory": pipeline("memory_error"),
    "SQL": duckdb_step("SELECT CAST(text AS INTEGER) AS n FROM df"),
    "column": duckdb_step("SELECT nope FROM df"),
}


def tree(folder: Path) -> dict[str, str]:
    """The hash of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def replay(path: Path, step: str = "broken", on: str = "local", **more: Any) -> Replay:
    """A replay with the drivers of these tests."""
    needs(on)
    host = ReplayHost(os.environ, components=CAPTURING, transport=TRANSPORTS[on])
    return Replay(path, step, ReplayOptions(**more), host)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("storage", ["memory", "spill"])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("on", ["local", "sandbox", "e2b"])
def test_captured_failure_is_same_failure(
    tmp_path: Path, request: pytest.FixtureRequest, on: str, failure: str, storage: str
) -> None:
    env = {"E2B_FORCE_SPILL": "1"} if storage == "spill" else None
    start = TRANSPORTS.get(on) or partial(in_the, request.getfixturevalue("cloud"))
    first = make_run(tmp_path, text=FAILURES[failure], env=env, components=CAPTURING, transport=start())
    before = tree(first.path)
    host = ReplayHost(os.environ, components=CAPTURING, transport=start)
    result = Replay(first.path, "broken", ReplayOptions(), host).run()
    assert events_of(result.run.path)[0]["mode"] == events_of(first.path)[0]["mode"]
    assert result.verdict is not None
    assert result.verdict.has_failed
    if failure == "memory":  # its message has the memory that is used at the moment
        assert str(result.verdict).startswith("same failure")
    else:
        assert str(result.verdict) == "same failure"
    assert tree(first.path) == before
    report = analyze(result.run.path)
    source = "early" if failure in ("SQL", "column") else "source"
    assert [(step.id, step.status) for step in report.run.steps] == [(source, "reused"), ("broken", "failed")]
    assert report.root_cause is not None
    assert report.root_cause.step == "broken"
    assert [finding.rule for finding in report.findings if finding.rule == "need-unknown"] == []
    assert events_of(result.run.path)[0]["origin"] == {
        "kind": "replay",
        "run": first.path.name,
        "step": "broken",
        "done": [],
    }


@pytest.mark.parametrize("on", NAMES)
def test_input_is_as_the_step_got_it(tmp_path: Path, on: str) -> None:
    first = make_run(tmp_path, on, text=FAILURES["exception"], components=CAPTURING)
    result = replay(first.path, on=on).run()
    old, new = (
        [(event["name"], event["key"], event["fingerprint"]) for event in events if _is_input(event)]
        for events in (events_of(first.path), events_of(result.run.path))
    )
    assert [name for name, _, _ in old] == ["df", "other"]
    assert new == old


def _is_input(event: Mapping[str, Any]) -> bool:
    return event["event"] == "inputs_resolved" and event.get("step_id") == "broken"


def test_other_frame_runs_nothing(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["column"], components=CAPTURING)
    other = make_run(tmp_path, text=FAILURES["column"].replace('"2"', '"3"'), components=CAPTURING)
    frame, own = (run.path / "artifacts/early" for run in (other, first))
    for name in ("output.parquet", "schema.json"):
        (own / name).write_bytes((frame / name).read_bytes())
    with pytest.raises(InputsGone) as caught:
        replay(first.path)
    assert "is of another frame: its fingerprint is " in str(caught.value)
    assert len(list((tmp_path / "logs").iterdir())) == 2


def test_frame_is_found_in_named_run(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["column"], components=CAPTURING)
    aside = tmp_path / "aside"
    (first.path / "artifacts/early").rename(aside)
    with pytest.raises(InputsGone, match="add --recompute"):
        replay(first.path)
    named = tmp_path / "named"
    (named / "artifacts").mkdir(parents=True)
    aside.rename(named / "artifacts/early")
    assert str(replay(first.path, inputs=named).run().verdict) == "same failure"


def test_recomputed_input_is_the_original(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["column"], components=CAPTURING)
    _remove_frames(first.path)
    again = replay(first.path, recompute=True)
    assert list(again.inputs.recomputed) == ["early"]
    result = again.run()
    assert (str(result.verdict), result.changed) == ("same failure", ())


def test_changed_source_is_reported(tmp_path: Path) -> None:
    text = SOURCE.replace(
        'test.source, config: {rows: "2"}', "filesystem.csv_extractor, config: {path: a.csv}"
    )
    text += FAILURES["column"].removeprefix(SOURCE)
    (tmp_path / "a.csv").write_text("a\n1\n2\n")
    first = make_run(tmp_path, text=text, components=CAPTURING)
    _remove_frames(first.path)
    (tmp_path / "a.csv").write_text("a\n1\n2\n3\n")
    result = replay(first.path, recompute=True).run()
    assert result.changed == ("the source has changed since: early: rows 2 → 3",)
    assert str(result.verdict) == "same failure"


def _remove_frames(path: Path) -> None:
    for name in ("output.parquet", "schema.json"):
        (path / "artifacts/early" / name).unlink()


@pytest.mark.parametrize(
    ("query", "new", "verdict"),
    [
        ("SELECT id FROM df ORDER BY id", None, "output identical"),
        (
            "SELECT id FROM df ORDER BY id",
            "SELECT id FROM df ORDER BY id DESC",
            "output same rows, other order",
        ),
        ("SELECT id FROM df ORDER BY id", "SELECT id + 1 AS id FROM df", "output same shape"),
        ("SELECT id FROM df ORDER BY id", "SELECT text FROM df", "output other"),
        ("SELECT id FROM df ORDER BY id", "SELECT nope FROM df", "other failure"),
        ("SELECT nope FROM df", "SELECT id FROM df", "succeeded"),
        ("SELECT nope FROM df", "SELECT nopf FROM df", "same failure, other values"),
        ("SELECT nope FROM df", "SELECT CAST(text AS INTEGER) FROM df", "other failure"),
    ],
)
def test_verdict_of_changed_query(tmp_path: Path, query: str, new: str | None, verdict: str) -> None:
    from osiris_inspect.inspector.tables.diff.frame_diff import output_level

    env = {"E2B_FORCE_SPILL": "1"}
    first = make_run(tmp_path, text=duckdb_step(query), env=env, components=CAPTURING)
    host = ReplayHost(
        os.environ, components=CAPTURING, transport=TRANSPORTS["local"], compare_frames=output_level
    )
    options = ReplayOptions(changes={} if new is None else {"query": new})
    assert str(Replay(first.path, "broken", options, host).run().verdict) == verdict


def test_writer_does_not_run_unless_allowed(tmp_path: Path) -> None:
    first = make_run(tmp_path, env={"E2B_FORCE_SPILL": "1"})
    target = tmp_path / "stats.csv"
    target.write_text("mine")
    with pytest.raises(SettingsError) as caught:
        replay(first.path, "write-stats")
    assert str(caught.value) == (
        f"step 'write-stats' writes to {target.resolve()}; add --allow-writes to run it again"
    )
    with pytest.raises(
        SettingsError, match=r"step 'extract-movies' reads from .*movies.csv; add --allow-writes"
    ):
        replay(first.path, "extract-movies")
    assert target.read_text() == "mine"
    assert len(list((tmp_path / "logs").iterdir())) == 1
    result = replay(first.path, "write-stats", allow_writes=True).run()
    assert str(result.verdict) == "succeeded"
    assert target.read_text().startswith("director,")


def test_component_that_names_no_place_is_named(tmp_path: Path) -> None:
    first = make_run(tmp_path, text=FAILURES["exception"], components=CAPTURING)
    with pytest.raises(SettingsError) as caught:
        replay(first.path, "early")
    assert str(caught.value) == (
        "step 'early' reads from a place that its component test.source of tests.runtime.capturing does not name; "
        "add --allow-writes to run it again"
    )


def test_masked_value_comes_from_changes(tmp_path: Path) -> None:
    text = duckdb_step("SELECT nope FROM df WHERE 'password=Xy7-kP93.zq' <> text")
    first = make_run(tmp_path, text=text, components=CAPTURING)
    assert "kP93" not in (first.path / "cfg/broken.json").read_text()
    with pytest.raises(MaskedConfiguration) as caught:
        replay(first.path)
    assert str(caught.value) == (
        f"'query' of step 'broken' is masked in {first.path.name}, and the pipeline file has no value for it; "
        "add --set query=VALUE, or restore the pipeline file and the variables that it needs"
    )
    result = replay(first.path, changes={"query": "SELECT nope FROM df"}).run()
    assert str(result.verdict) == "same failure, other values"


def test_run_of_original_has_no_inputs(tmp_path: Path) -> None:
    (run,) = (SAMPLES / "original_nonetype").glob("run_*")
    with pytest.raises(NotOurs) as caught:
        replay(run, "any")
    assert str(caught.value) == (
        f"{run} was not made by osiris-inspect run, so the inputs of its steps are not there; "
        "run its pipeline with osiris-inspect run"
    )
