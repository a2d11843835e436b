"""Runs that lie elsewhere: they read like runs on this disk, and only what is looked at is fetched."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.analysis.run_list import list_runs
from osiris_inspect.inspector.export.formats import json as export
from osiris_inspect.inspector.files import remote_registry as mirrors
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.files.text_log import MAX_FULL_READ
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.remote import url as address
from osiris_inspect.inspector.remote.cached_ranges import CachedRanges
from osiris_inspect.inspector.remote.open_remote import open_remote
from osiris_inspect.inspector.run.frame_info import frame_path
from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader
from osiris_inspect.model.errors import RunNotReadable, SpillCorrupt
from tests.cli.packed_runs import RUN, packed_run
from tests.inspector.making import local, run_dir
from tests.inspector.web import Web, serving
from tests.samples import SAMPLES, runs

fsspec = pytest.importorskip("fsspec", reason="the extra 'remote' is not installed")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    mirrors._registry.clear()


@pytest.fixture
def memory() -> Iterator[Any]:
    """The memory of this process as a file system."""
    fs = fsspec.filesystem("memory")
    yield fs
    if fs.exists("/logs"):
        fs.rm("/logs", recursive=True)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    (tmp_path / "far" / "logs").mkdir(parents=True)
    with serving(tmp_path / "far") as served:
        yield served


def said(run: Path) -> Any:
    return {**export.document([analyze(run)])["runs"][0], "path": ""}


def far_run(web: Web, *events: dict[str, Any], **more: Any) -> Path:
    lines = [local("step_start", 1, step_id="a"), local("step_complete", 2, step_id="a"), *events]
    return run_dir(web.root / "logs", lines, **more)


# ── the same as on this disk ──


@pytest.mark.parametrize("run", runs(), ids=lambda run: run.parent.name)
def test_a_run_elsewhere_reads_like_one_here(run: Path, tmp_path: Path, memory: Any) -> None:
    memory.put(str(run), f"/logs/{run.name}", recursive=True)

    assert said(open_remote(f"memory://logs/{run.name}", tmp_path)) == said(run)


@pytest.mark.parametrize("server", ["ranges", "no ranges"])
@pytest.mark.parametrize("packed", ["gz", "rotated mixed"])
def test_packed_logs_elsewhere_read_like_plain_ones(
    packed: str, server: str, tmp_path: Path, web: Web
) -> None:
    web.gives_ranges = server == "ranges"
    run = packed_run(web.root / "logs", packed)
    far = open_remote(f"{web.address}/logs", tmp_path / "cache")
    assert said(far / run.name) == said(RUN)


def test_archive_elsewhere_is_not_downloaded(tmp_path: Path, web: Web) -> None:
    (web.root / "logs" / "run_1.tgz").write_bytes(b"x" * 9_000)
    with pytest.raises(RunNotReadable, match=r"run_1\.tgz' is an archive; download it, and name the file"):
        open_remote(f"{web.address}/logs/run_1.tgz", tmp_path / "cache")


def test_runs_below_a_folder_elsewhere_are_found_newest_first(tmp_path: Path, memory: Any) -> None:
    memory.put(str(SAMPLES), "/logs", recursive=True)

    found = find_runs(open_remote("memory://logs", tmp_path))

    assert [run.name for run in found] == [run.name for run in find_runs(SAMPLES)]


def test_address_of_this_machine_is_its_path(tmp_path: Path) -> None:
    assert open_remote(f"file://{runs()[0]}", tmp_path) == runs()[0]


def test_run_without_a_list_of_its_files_is_read_by_their_usual_names(tmp_path: Path) -> None:
    run = runs()[0]
    with serving(run.parent, gives_listings=False) as web:
        there = analyze(open_remote(f"{web.address}/{run.name}", tmp_path))

    assert (there.run.status, len(there.run.events)) == (load(run).status, len(load(run).events))
    assert {artifact.state for step in there.run.steps for artifact in step.artifacts} == {"not_downloaded"}


def test_server_that_gives_no_parts_of_files_is_not_asked_for_large_ones(tmp_path: Path) -> None:
    source = next(run for run in runs() if run.parent.name == "all_spilled")
    with serving(source.parent, gives_ranges=False) as web:
        there = load(open_remote(f"{web.address}/{source.name}", tmp_path))
        states = {
            artifact.state
            for step in there.steps
            for artifact in step.artifacts
            if artifact.kind == "parquet"
        }

        assert states == {"not_downloaded"}
        assert web.sent_of(".parquet") == 0


def test_folder_that_stands_for_an_address_is_called_by_it(tmp_path: Path, memory: Any) -> None:
    memory.put(str(runs()[0]), f"/logs/{runs()[0].name}", recursive=True)
    (found,) = find_runs(open_remote("memory://logs", tmp_path))

    assert mirrors.display_name(found) == f"memory://logs/{runs()[0].name}"
    assert mirrors.display_name(tmp_path) == str(tmp_path)


# ── what is fetched ──


def test_large_artifact_beside_the_run_is_not_fetched(tmp_path: Path, web: Web) -> None:
    run = far_run(
        web, local("artifact_created", 2, step_id="a", path="artifacts/a/model.bin", artifact_type="model")
    )
    (run / "artifacts" / "a").mkdir(parents=True)
    with (run / "artifacts" / "a" / "model.bin").open("wb") as big:
        big.truncate(300 << 20)

    there = load(open_remote(f"{web.address}/logs", tmp_path / "cache") / run.name)

    assert [(artifact.state, artifact.bytes) for artifact in there.steps[0].artifacts] == [
        ("present", 300 << 20)
    ]
    assert web.total < 10_000
    assert on_disk(tmp_path / "cache") < 100_000


def test_of_a_frame_its_schema_is_fetched_and_then_the_page_that_is_looked_at(
    tmp_path: Path, web: Web
) -> None:
    run = far_run(web)
    (run / "artifacts" / "a").mkdir(parents=True)
    rows = pa.table(
        {"n": pa.array(range(1_000_000)), "text": [f"row {n * 7919 % 1_000_003}" for n in range(1_000_000)]}
    )
    parquet.write_table(rows, run / "artifacts/a/output.parquet", row_group_size=50_000)
    size = (run / "artifacts/a/output.parquet").stat().st_size

    there = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))
    before = web.sent_of(".parquet")
    with ParquetFrameReader(frame_path(there, "a")) as frame:
        page = frame.read_page(700_010, 2)
    after = web.sent_of(".parquet")

    assert there.steps[0].artifacts[0].state == "present"
    assert page == [("700010", rows["text"][700_010].as_py()), ("700011", rows["text"][700_011].as_py())]
    assert before <= 100_000 < size
    assert 0 < after - before < size / 15


def test_columns_that_are_not_shown_are_not_fetched(tmp_path: Path, web: Web) -> None:
    run = far_run(web)
    (run / "artifacts" / "a").mkdir(parents=True)
    rows = pa.table({"n": pa.array(range(100_000)), "text": [f"{n * 7919:050}" for n in range(100_000)]})
    parquet.write_table(rows, run / "artifacts/a/output.parquet", compression="none", use_dictionary=False)

    there = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))
    with ParquetFrameReader(frame_path(there, "a")) as frame:
        assert frame.read_page(5, 1, ["n"]) == [("5",)]
        assert web.sent_of(".parquet") < 1_200_000
        assert frame.read_page(5, 1) == [("5", rows["text"][5].as_py())]


def test_frame_whose_footer_is_long_is_known_as_a_whole(tmp_path: Path, web: Web) -> None:
    run = far_run(web)
    (run / "artifacts" / "a").mkdir(parents=True)
    wide = pa.table({f"column_{number}": [number] * 3 for number in range(2000)})
    parquet.write_table(wide, run / "artifacts/a/output.parquet")

    there = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))
    with ParquetFrameReader(frame_path(there, "a")) as frame:
        assert (len(frame.info.columns), frame.info.rows) == (2000, 3)


def test_of_a_long_text_log_the_beginning_and_the_end_are_fetched(tmp_path: Path, web: Web) -> None:
    run = far_run(web)
    line = b"2026-01-01 00:00:00 - DEBUG - nothing to see here\n"
    log = b"ERROR first\n" + line * (3 * MAX_FULL_READ // len(line)) + b"ERROR last\n"
    (run / "debug.log").write_bytes(log)

    there = load(open_remote(f"{web.address}/logs", tmp_path / "cache") / run.name)

    assert [entry.text for entry in there.log_lines] == ["ERROR first", "ERROR last"]
    assert web.sent_of("debug.log") <= MAX_FULL_READ + 1  # one byte: whether the server gives parts of files
    assert [entry.file for entry in there.unreadable] == ["debug.log"]


def test_what_was_fetched_once_is_not_fetched_again(tmp_path: Path, web: Web) -> None:
    run = far_run(web)
    load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))
    mirrors._registry.clear()
    before = web.sent_of("events.jsonl")

    again = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))

    assert len(again.events) == 2
    assert web.sent_of("events.jsonl") - before <= 1  # one byte: whether the server gives parts of files


def test_log_that_grew_is_fetched_from_where_it_ended(tmp_path: Path, web: Web) -> None:
    run = far_run(web, *(local("heartbeat", 3, note="x" * 1000) for _ in range(200)))
    load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))
    mirrors._registry.clear()
    before = web.sent_of("events.jsonl")
    with (run / "events.jsonl").open("ab") as log:
        log.write(b'{"ts":"2026-01-01T00:00:09+00:00","session":"s","event":"run_end"}\n')

    there = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))

    assert (there.events[-1].name, there.finished, len(there.events)) == ("run_end", True, 203)
    assert web.sent_of("events.jsonl") - before < 500


def test_log_that_was_written_anew_is_fetched_anew(tmp_path: Path, web: Web) -> None:
    run = far_run(web)
    load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))
    mirrors._registry.clear()
    run_dir(web.root / "logs", [local("step_start", 1, step_id="b", note="y" * 400) for _ in range(3)])

    there = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))

    assert [event.step for event in there.events] == ["b", "b", "b"]


def test_run_that_was_removed_is_gone_from_the_list(tmp_path: Path, web: Web) -> None:
    run_dir(web.root / "logs", [local("run_start")], name="run_1759170586031")
    gone = run_dir(web.root / "logs", [local("run_start")], name="run_1759170586032")
    for run in find_runs(open_remote(f"{web.address}/logs", tmp_path / "cache")):
        load(run)
    shutil.rmtree(gone)
    mirrors._registry.clear()

    found = find_runs(open_remote(f"{web.address}/logs", tmp_path / "cache"))

    assert [run.name for run in found] == ["run_1759170586031"]


def test_only_the_newest_run_of_a_list_is_fetched_before_one_is_asked_for(tmp_path: Path, web: Web) -> None:
    for number in range(30, 40):
        run_dir(web.root / "logs", [local("run_start")], name=f"run_17591705860{number}")

    open_remote(f"{web.address}/logs", tmp_path / "cache")

    assert [path for path in web.sent if path.endswith("events.jsonl")] == [
        "/logs/run_1759170586039/events.jsonl"
    ]


def test_run_whose_line_of_the_list_is_known_is_not_looked_into_again(tmp_path: Path, web: Web) -> None:
    for number in (1, 2):
        run_dir(
            web.root / "logs",
            [local("run_start")],
            name=f"run_175917058603{number}",
            files={"cfg/a.json": {}},
        )
    for _ in range(3):
        mirrors._registry.clear()
        web.sent.clear()
        listed = list(
            list_runs(open_remote(f"{web.address}/logs", tmp_path / "cache"), cache=tmp_path / "cache")
        )

    assert [run.id for run in listed] == ["run_1759170586032", "run_1759170586031"]
    assert [path for path in web.sent if "run_1759170586031" in path] == ["/logs/run_1759170586031/"]


def test_frame_that_cannot_be_fetched_any_more_is_an_error_and_no_rows(tmp_path: Path) -> None:
    (tmp_path / "far" / "logs").mkdir(parents=True)
    with serving(tmp_path / "far") as web:
        run = far_run(web)
        (run / "artifacts" / "a").mkdir(parents=True)
        rows = pa.table({"text": [f"{n * 7919:050}" for n in range(100_000)]})
        parquet.write_table(
            rows, run / "artifacts/a/output.parquet", compression="none", use_dictionary=False
        )
        there = load(open_remote(f"{web.address}/logs/{run.name}", tmp_path / "cache"))

    with (
        ParquetFrameReader(frame_path(there, "a")) as frame,
        pytest.raises(SpillCorrupt, match="cannot be downloaded"),
    ):
        frame.read_page(0, 1)


# ── what cannot be reached ──


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("memory://nothing/here", "no such folder"),
        ("xyz://bucket/logs", "unknown protocol"),
        ("http://127.0.0.1:9/logs", "127.0.0.1"),
        ("memory://", "has no folder"),
        ("memory://a/../b", "has no folder"),
        ("https://host/logs?token=1", "must not contain"),
    ],
)
def test_place_that_cannot_be_reached_is_said_in_one_line(asked: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable, match=said.replace("?", r"\?")) as caught:
        open_remote(asked, tmp_path)

    assert "\n" not in str(caught.value)


def test_folder_without_a_run_is_said_to_hold_none(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/logs/notes/readme.txt", b"hello")

    with pytest.raises(RunNotReadable, match="contains no run"):
        open_remote("memory://logs", tmp_path)


def test_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(RunNotReadable) as caught:
        open_remote("http://someone:hunter2@127.0.0.1:9/logs", tmp_path)

    assert "hunter2" not in str(caught.value)


def test_folder_that_says_it_lies_elsewhere_is_not_believed(tmp_path: Path) -> None:
    run = run_dir(tmp_path, [local("run_start")], files={".held": {"folder": "http://127.0.0.1:9"}})

    assert mirrors.for_run(run) is None
    assert load(run).events[0].name == "run_start"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("s3://bucket/logs", "s3://bucket/logs"),
        ("https://host:8000/a/b", "https://host:8000/a/b"),
        ("file:///logs/run_1", "file:///logs/run_1"),
        ("logs/run_1", None),
        ("/logs/a:/b", None),
        ("c:/logs", None),
    ],
)
def test_address_survives_being_made_a_path(path: str, expected: str | None) -> None:
    assert address.parse_url(Path(path)) == expected


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "a//b", "a/\0", "x" * 300])
def test_name_that_leads_out_of_its_folder_is_no_file(name: str) -> None:
    assert not address.is_inside(name)


def test_held_spans_grow_together() -> None:
    held = CachedRanges(100, "tag")
    for span in ((10, 20), (40, 50), (20, 30), (45, 60)):
        held.add(*span)

    assert held.spans == [(10, 30), (40, 60)]
    assert held.missing_ranges(0, 100) == [(0, 10), (30, 40), (60, 100)]
    assert held.missing_ranges(12, 28) == []


def on_disk(folder: Path) -> int:
    """Bytes that the files below a folder really take."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_runs_used_longest_ago_make_room(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        run_dir(
            web.root / f"logs{number}",
            [local("heartbeat", note="x" * 2000)],
            name=f"run_175917058603{number}",
        )
    first = open_remote(f"{web.address}/logs1", tmp_path / "cache")
    load(find_runs(first)[0])
    mirrors._registry.clear()
    monkeypatch.setattr("osiris_inspect.inspector.remote.open_remote.MAX_CACHE_BYTES", 1000)

    second = open_remote(f"{web.address}/logs2", tmp_path / "cache")

    assert [run.name for run in find_runs(second)] == ["run_1759170586032"]
    assert not list(first.glob("run_*"))


def test_nothing_outside_of_the_cache_is_ever_removed(tmp_path: Path, web: Web) -> None:
    far_run(web)
    mine = tmp_path / "mine"
    mine.mkdir()
    notes = tmp_path / "cache" / "remote" / ".held"
    notes.mkdir(parents=True)
    for number, folder in enumerate((mine, notes.parent / "x" / ".." / ".." / ".." / "mine")):
        (notes / f"{number}.json").write_text(
            f'{{"folder": "{folder}", "files": {{"a": [1, "t", [[0, 9999999999]]]}}}}'
        )

    open_remote(f"{web.address}/logs", tmp_path / "cache")

    assert mine.is_dir()
