import errno
import json
import shutil
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis import run_list
from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.analysis.run_list import (
    RunEntry,
    RunFilter,
    list_runs,
    run_entry,
)
from osiris_inspect.inspector.analysis.run_signature import files_signature
from osiris_inspect.inspector.event_log.filter.filter import parse
from osiris_inspect.inspector.project.project import Project
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally
from tests.inspector.test_rules_of_green_runs import ours, two_writers
from tests.samples import SAMPLES
from tests.samples import runs as sample_runs

NOW = 4e9


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    for number, made in enumerate((succeeding_locally(), failing_locally("boom"), succeeding_locally())):
        run_dir(folder, made, steps=CHAIN, name=f"run_{1759170586030 + number * 1000}")
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were read, not remembered."""
    read: list[str] = []

    def reading(
        path: Path, *, now: float | None = None, cache: Path | None = None, project: Project | None = None
    ) -> RunEntry:
        read.append(path.name)
        return run_entry(path, now=now, cache=cache, project=project)

    monkeypatch.setattr(run_list, "run_entry", reading)
    return read


def test_the_second_list_reads_no_run(runs: Path, tmp_path: Path, asked: list[str]) -> None:
    first = list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    assert len(asked) == 3
    assert list(list_runs(runs, now=NOW, cache=tmp_path / "cache")) == first
    assert len(asked) == 3
    assert list(list_runs(runs, now=NOW)) == first


def test_success_with_a_warning_is_marked_also_from_the_cache(tmp_path: Path) -> None:
    events, steps, files = ours(*two_writers(path="out/o.csv"))
    run_dir(tmp_path / "logs", events, steps=steps, files=files)
    for _ in range(2):
        entry = next(iter(list_runs(tmp_path / "logs", now=NOW, cache=tmp_path / "cache")))
        assert (entry.status, entry.warnings) == ("success", 1)
        assert (entry.warning or "").startswith("save2: wrote 50 rows to 'out/o.csv'")


def test_comment_in_the_pipeline_suppresses_a_warning_at_once(tmp_path: Path) -> None:
    events, steps, files = ours(*two_writers(path="out/o.csv"))
    plan = {
        "event": "plan",
        "seq": 0,
        "file": "p.yaml",
        "steps": [{"step_id": "save2", "file": "p.yaml", "line": 1}],
    }
    run_dir(tmp_path / "logs", [{**events[0], **plan}, *events], steps=steps, files=files)
    pipeline, counts = tmp_path / "p.yaml", []
    for comment in ("", "  # osiris-inspect: allow target-overwritten: the first is a fallback", ""):
        pipeline.write_text(f"- id: save2{comment}\n")
        (entry,) = list_runs(tmp_path / "logs", now=NOW, cache=tmp_path / "cache", project=Project(tmp_path))
        counts.append(entry.warnings)
    assert counts == [1, 0, 1]


def test_without_a_cache_nothing_is_kept(runs: Path, tmp_path: Path) -> None:
    assert len(list(list_runs(runs, now=NOW))) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.parametrize(
    "file",
    ["events.jsonl", "status.json", "cfg/extract.json", "artifacts/_system/run_card.json", "worker.log"],
)
def test_a_run_that_changed_is_read_again_and_no_other(
    runs: Path, tmp_path: Path, asked: list[str], file: str
) -> None:
    list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    asked.clear()
    target = runs / "run_1759170587030" / file
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("a") as stream:
        stream.write("{}\n")
    list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    assert asked == ["run_1759170587030"]


def test_a_spilled_frame_that_goes_away_changes_the_state_of_its_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(SAMPLES / "all_spilled", run)
    (frame,) = sorted(run.rglob("output.parquet"))[:1]
    before = files_signature(frame.parents[2])
    frame.unlink()
    assert files_signature(frame.parents[2]) != before


def test_a_run_that_is_going_on_is_read_each_time(tmp_path: Path, asked: list[str]) -> None:
    going = run_dir(tmp_path / "logs", succeeding_locally()[:3])
    for moment in (1767225603.0, 1767225604.0):
        (found,) = list_runs(going.parent, now=moment, cache=tmp_path / "cache")
        assert found.status == "running"
    assert len(asked) == 2
    (found,) = list_runs(going.parent, now=NOW, cache=tmp_path / "cache")
    assert found.status == "truncated"


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"\xff", b'{"version":"x","runs":{}}', b"[" * 100_000])
def test_a_kept_list_that_is_damaged_is_made_anew(runs: Path, tmp_path: Path, damage: bytes) -> None:
    first = list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    (kept,) = (tmp_path / "cache").rglob("*.json")
    kept.write_bytes(damage)
    assert list(list_runs(runs, now=NOW, cache=tmp_path / "cache")) == first
    assert json.loads(kept.read_bytes())["runs"].keys() == {str(run.path) for run in first}


@pytest.mark.parametrize("field", ["id", "status", "mode", "started", "rows", "cause"])
def test_a_kept_run_that_is_none_is_read_again(
    runs: Path, tmp_path: Path, asked: list[str], field: str
) -> None:
    first = list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    (kept,) = (tmp_path / "cache").rglob("*.json")
    document = json.loads(kept.read_bytes())
    for said in document["runs"].values():
        said[1][field] = ["not", "this"]
    kept.write_text(json.dumps(document))
    asked.clear()
    assert list(list_runs(runs, now=NOW, cache=tmp_path / "cache")) == first
    assert len(asked) == 3


def test_a_list_left_half_read_is_kept_as_far_as_it_went(
    runs: Path, tmp_path: Path, asked: list[str]
) -> None:
    half = list_runs(runs, now=NOW, cache=tmp_path / "cache")
    next(half)
    half.close()  # type: ignore[attr-defined]  # it is a generator
    list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    assert len(asked) == 3


def test_list_runs_with_full_cache_leaves_no_file(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert len(list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))) == 3
    assert list((tmp_path / "cache" / "lists").iterdir()) == []


def test_a_run_that_was_removed_is_forgotten(runs: Path, tmp_path: Path) -> None:
    list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))
    shutil.rmtree(runs / "run_1759170586030")
    with (runs / "run_1759170588030" / "events.jsonl").open("a") as stream:
        stream.write("\n")
    assert len(list(list_runs(runs, now=NOW, cache=tmp_path / "cache"))) == 2
    (kept,) = (tmp_path / "cache").rglob("*.json")
    assert len(json.loads(kept.read_bytes())["runs"]) == 2


def test_no_folder_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable, match="nowhere"):
        next(iter(list_runs(tmp_path / "nowhere")))


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (RunFilter(), True),
        (RunFilter(failed=True), True),
        (RunFilter(pipeline="movie-*"), True),
        (RunFilter(pipeline="MOVIE-stats"), True),
        (RunFilter(pipeline="movie"), False),
        (RunFilter(since=1000.0), True),
        (RunFilter(since=1000.5), False),
        (RunFilter(failed=True, pipeline="x*"), False),
        (RunFilter(where=parse("status=failed rows>4 duration=1 cause~missing")), True),
        (RunFilter(where=parse("mode=e2b or rows=6")), False),
        (RunFilter(where=parse("since=1970-01-01T00:16 not until=1970-01-01T00:16 missing")), True),
    ],
)
def test_a_run_is_wanted_where_all_that_is_asked_holds(wanted: RunFilter, kept: bool) -> None:
    run = RunEntry(Path("x"), "x", "movie-stats", "failed", "local", 1000.0, 1.0, 5, "input missing")
    assert wanted.matches(run) is kept


def test_both_eras_of_layouts_are_listed_newest_first(tmp_path: Path) -> None:
    names = (
        "run_logs/dev/movies/20261122t044427z_2026-11-22t04-44-27z-01m80s-ba2e3f1",
        "logs/run_1795322800000",
        "logs/2026-11-22T05-26-33Z_01M80VGTZSNTK3J672",
    )
    for name in names:
        run_dir(tmp_path, [], name=name, files={"status.json": {"ok": True}})
    listed = [entry.path.relative_to(tmp_path).as_posix() for entry in list_runs(tmp_path, now=NOW)]
    assert listed == [names[2], names[1], names[0]]


def test_the_rules_of_the_repository_name_the_cause_and_nothing_of_it_is_kept(
    runs: Path, tmp_path: Path
) -> None:
    place = tmp_path / "repository"
    place.mkdir()
    cache = tmp_path / "cache"
    without = [run.cause for run in list_runs(runs, now=NOW, cache=cache, project=Project(place))]
    assert not any("moon" in cause for cause in without if cause)
    (tmp_path / "ruled").mkdir()
    (tmp_path / "ruled" / ".osiris-inspect.toml").write_text(
        '[[patterns]]\nname = "moon-wrong"\npattern = "boom"\nmessage = "the moon is in the wrong phase"\n'
    )
    ruled = list(list_runs(runs, now=NOW, cache=cache, project=Project(tmp_path / "ruled")))
    assert [run.cause for run in ruled if run.cause] == ["extract: the moon is in the wrong phase: boom"]
    assert [run.cause for run in list_runs(runs, now=NOW, cache=cache, project=Project(place))] == without


def test_a_list_counts_the_warnings_that_a_report_counts() -> None:
    """Frames and earlier runs are read for a list too: a run without a mark has no warnings."""
    entries = [run_entry(path) for path in sample_runs()]
    successes = [entry for entry in entries if entry.status == "success"]
    counted = {entry.id: entry.warnings for entry in successes}
    assert counted == {entry.id: len(analyze(entry.path).warnings) for entry in successes}
    assert any(counted.values())
