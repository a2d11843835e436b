"""Files that sandboxed steps write: staged in the run, moved by the host, the same as without a sandbox."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect import output_file
from osiris_inspect.model.event import Event
from osiris_inspect.runtime.files.move_into_place import move_into_place, open_target
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.proxy.proxy import RunResult, run
from tests.runtime import faulty
from tests.runtime.runs import NAMES, TRANSPORTS, events_of, make_run, needs, order
from tests.runtime.runs import faulty as faulty_pipeline

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

EVERYWHERE = pytest.mark.parametrize("on", NAMES)
ISOLATED = pytest.mark.parametrize("on", ["landlock", "bwrap"])


class Writer:
    """Writes ``text`` as a driver of another package does it."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        if config["do"] == "directly":
            (ctx.base / config["path"]).write_text("written")
        else:
            with output_file(config, ctx, append=config["do"] == "append") as path, path.open("a") as file:
                file.write("new\n")
                if config["do"] == "fail":
                    raise ValueError("no")
        return {"rows_written": 1}


WRITER = Component(
    name="test.writer",
    summary="Writes.",
    driver="tests.runtime.test_staged_outputs:Writer",
    modes=("write",),
    keys=(
        ConfigKey("do", "text", "for tests"),
        ConfigKey("path", "text", "for tests"),
        ConfigKey("create_dirs", "switch", "for tests", default=True),
    ),
    inputs="one",
    produces_frame=False,
)
COMPONENTS = {**faulty.COMPONENTS, WRITER.name: WRITER}


def _pipeline(*steps: str) -> str:
    return 'oml_version: "0.1.0"\nname: files\nsteps:\n' + "".join(f"  - {step}\n" for step in steps)


READ = "{id: first, component: filesystem.csv_extractor, config: {path: movies.csv}}"


def _write(path: Path | str, do: str = "write") -> str:
    return f"{{id: second, component: test.writer, needs: [first], config: {{do: {do}, path: '{path}'}}}}"


def _run(folder: Path, on: str, text: str, monkeypatch: pytest.MonkeyPatch, **more: Any) -> RunResult:
    needs(on)
    monkeypatch.setattr("tests.runtime.runs.COMPONENTS", COMPONENTS)
    return run(replace(order(folder, text=text), components=COMPONENTS, **more), TRANSPORTS[on]())


@EVERYWHERE
@pytest.mark.parametrize(
    ("do", "expected"), [("write", "new\n"), ("append", "old\nnew\n"), ("fail", "old\n")]
)
def test_driver_replaces_appends_or_keeps_file(
    tmp_path: Path, on: str, do: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old\n")
    target.chmod(0o640)
    outcome = _run(tmp_path, on, _pipeline(READ, _write("out.txt", do)), monkeypatch)
    assert (outcome.status == "success") == (do != "fail"), outcome.reason
    assert (target.read_text(), target.stat().st_mode & 0o7777) == (expected, 0o640)
    assert not [*tmp_path.glob(".*")]
    assert not (outcome.path / ".outputs").exists()


@EVERYWHERE
def test_new_file_has_mode_of_umask(tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = _run(tmp_path, on, _pipeline(READ, _write("new/out.txt", "append")), monkeypatch)
    assert outcome.status == "success", outcome.reason
    expected = tmp_path / "expected"
    expected.touch()
    assert (tmp_path / "new/out.txt").stat().st_mode == expected.stat().st_mode
    assert (tmp_path / "new/out.txt").read_text() == "new\n"


@EVERYWHERE
def test_relative_folder_of_runs_is_that_of_host(
    tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(on)
    monkeypatch.chdir(tmp_path)
    base = tmp_path / "base"
    other_run = tmp_path / "logs/run_1000000000001"
    other_run.mkdir(parents=True)
    outcome = run(replace(order(base), logs=Path("logs")), TRANSPORTS[on]())
    assert outcome.status == "success", outcome.reason
    assert (base / "stats.csv").exists()
    if on in ("landlock", "bwrap"):
        (started,) = [event for event in events_of(outcome.path) if event["event"] == "worker_started"]
        assert all(
            path.startswith("/") for name in ("read", "write", "hidden") for path in started["grants"][name]
        )


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the tests' own."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    if folder.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is on the disk of the tests")
    yield folder
    shutil.rmtree(folder)


@ISOLATED
def test_file_moves_to_another_disk(
    tmp_path: Path, on: str, other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other_disk / "out.txt").write_text("old\n")
    outcome = _run(tmp_path, on, _pipeline(READ, _write(other_disk / "out.txt", "append")), monkeypatch)
    assert outcome.status == "success", outcome.reason
    assert [path.name for path in other_disk.iterdir()] == ["out.txt"]
    assert (other_disk / "out.txt").read_text() == "old\nnew\n"


@EVERYWHERE
@pytest.mark.parametrize("path", ["out.csv", "deep/out.csv", "../outside/out.csv"])
@pytest.mark.parametrize("is_pattern", [False, True])
def test_step_reads_file_of_earlier_step(tmp_path: Path, on: str, path: str, is_pattern: bool) -> None:
    base = tmp_path / "base"
    target = base / path
    target.parent.mkdir(parents=True)
    (base / ".env").touch()
    target.write_text("id\nold\n")
    read = str(Path(path).parent / "o*.csv") if is_pattern else path
    text = _pipeline(
        READ,
        f"{{id: write, component: filesystem.csv_writer, needs: [first], config: {{path: '{path}'}}}}",
        f"{{id: read, component: filesystem.csv_extractor, config: {{path: '{read}'}}}}",
        "{id: copy, component: filesystem.csv_writer, needs: [read], config: {path: copy.csv}}",
    )
    outcome = make_run(base, on, text=text)
    assert outcome.status == "success", outcome.reason
    assert (base / "copy.csv").read_text().splitlines()[1].startswith("0,Film 0")


@EVERYWHERE
def test_named_hidden_file_is_input(tmp_path: Path, on: str) -> None:
    (tmp_path / ".data.csv").write_text("a\n1\n")
    other_run = tmp_path / "logs/run_1000000000001/artifacts/x"
    other_run.mkdir(parents=True)
    (other_run / "in.csv").write_text("a\n2\n")
    text = _pipeline(
        f"{{id: a, component: filesystem.csv_extractor, config: {{path: ['.data.csv', '{other_run}/in.csv']}}}}",
        "{id: b, component: filesystem.csv_writer, needs: [a], config: {path: out.csv}}",
    )
    outcome = make_run(tmp_path, on, text=text)
    assert outcome.status == "success", outcome.reason
    assert (tmp_path / "out.csv").read_text() == "a\n1\n2\n"


@ISOLATED
def test_failed_move_fails_the_step(tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def occupy(event: Event) -> None:
        if event.name == "step_start" and event.step == "second":
            (tmp_path / "out.txt").mkdir()

    outcome = _run(tmp_path, on, _pipeline(READ, _write("out.txt")), monkeypatch, on_event=occupy)
    events = [event for event in events_of(outcome.path) if event.get("step_id") == "second"]
    assert "step_complete" not in [event["event"] for event in events]
    (failed,) = [event for event in events if event["event"] == "step_failed"]
    assert failed["error_info"]["kind"] == "path-is-directory"
    assert failed["error_info"]["facts"]["path"] == str(tmp_path / "out.txt")
    assert (outcome.status, [*tmp_path.glob(".*")]) == ("failed", [])


@ISOLATED
def test_direct_write_fails_and_names_remedy(
    tmp_path: Path, on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = _run(tmp_path, on, _pipeline(READ, _write("out.txt", "directly")), monkeypatch)
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert failed["error_info"]["fix"].startswith("write the file with output_file(config, ctx)")
    assert not (tmp_path / "out.txt").exists()


@ISOLATED
def test_killed_worker_leaves_no_staged_file(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=faulty_pipeline("kill_9"))
    assert outcome.status == "failed"
    assert not (outcome.path / ".outputs").exists()


@pytest.mark.parametrize("names", [1, 2])
def test_file_with_second_name_is_copied(tmp_path: Path, names: int) -> None:
    staged = tmp_path / "staged"
    staged.mkdir()
    (staged / "0").write_text("new")
    inode = (staged / "0").stat().st_ino
    if names == 2:
        os.link(staged / "0", tmp_path / "second")
    folder = os.open(staged, os.O_RDONLY)
    target = open_target(tmp_path / "target")
    try:
        assert move_into_place(folder, "0", target)
        assert not move_into_place(folder, "0", target)
    finally:
        os.close(folder)
        target.close()
    assert (tmp_path / "target").read_text() == "new"
    assert ((tmp_path / "target").stat().st_ino == inode) == (names == 1)
    assert not [*staged.iterdir()]


def test_copied_target_knows_a_later_change(tmp_path: Path) -> None:
    path, staging = tmp_path / "a.db", tmp_path / "staging"
    staging.mkdir()
    folder = os.open(staging, os.O_RDONLY)
    for number, change in enumerate(
        (lambda: path.write_text("new"), lambda: path.write_text("longer"), path.unlink)
    ):
        target = open_target(path)
        target.copy_to(folder, str(number))
        assert not target.is_changed()
        change()
        assert target.is_changed()
        target.close()
    os.close(folder)
