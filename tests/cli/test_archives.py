"""Packed run directories: every reading command answers as for the folder."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.all_commands import Call, call_all
from tests.cli.packed_runs import ARCHIVES, NAME, RUN
from tests.cli.shell import osiris_inspect
from tests.cli.test_packed_logs import COMMANDS, outcomes

pytestmark = pytest.mark.sampled(3)

READING = {name: words for name, words in COMMANDS.items() if NAME in " ".join(words)}


def words_for(archive: str) -> dict[str, list[str]]:
    return {
        name: [archive if word == NAME else word.replace(f"{NAME}:", f"{archive}:") for word in words]
        for name, words in READING.items()
    }


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    folder = tmp_path_factory.mktemp("plain") / "runs"
    shutil.copytree(RUN, folder / NAME)
    return outcomes(folder, READING)


@pytest.mark.parametrize("suffix", [".tgz", ".zip"])
def test_archive_is_answered_as_its_folder(
    tmp_path: Path, suffix: str, plain: dict[str, tuple[int, str, str]]
) -> None:
    archive = f"packed{suffix}"
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / archive).write_bytes(ARCHIVES[suffix](RUN))
    found = outcomes(tmp_path / "runs", words_for(archive))
    differing = {
        name: entry
        for name, entry in found.items()
        if tuple(text.replace(f"{archive}/{NAME}", NAME) if isinstance(text, str) else text for text in entry)
        != plain[name]
    }
    assert differing == {}


@pytest.mark.parametrize("suffix", ARCHIVES)
@pytest.mark.parametrize("content", ["run directory", "folder of runs"])
def test_archive_of_every_kind_is_opened(tmp_path: Path, suffix: str, content: str) -> None:
    folder = RUN
    if content == "folder of runs":
        folder = tmp_path / "logs"
        shutil.copytree(RUN, folder / NAME)
        shutil.copytree(RUN, folder / "run_1795381936000")
    (tmp_path / f"packed{suffix}").write_bytes(ARCHIVES[suffix](folder))
    (tmp_path / "temporary").mkdir()
    env = {"TMPDIR": str(tmp_path / "temporary"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = osiris_inspect("runs", f"packed{suffix}", "--json", cwd=tmp_path, env=env)
    assert (done.code, done.err) == (0, "")
    middle = "logs/" if content == "folder of runs" else ""
    paths = [json.loads(line)["path"] for line in done.out.splitlines()]
    names = [NAME, "run_1795381936000"] if middle else [NAME]
    assert paths == [f"packed{suffix}/{middle}{name}" for name in names]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not list((tmp_path / "cache").rglob("*.json"))


@pytest.mark.parametrize(
    ("path", "run"),
    [
        (f"logs/{NAME}", NAME),
        ("logs/run_1795381936000", "run_1795381936000"),
        ("logs/179538193600", "run_1795381936000"),
        ("logs/@latest", NAME),
        ("@failed", NAME),
        ("@prev", "run_1795381936000"),
        (f"logs/{NAME}/status.json", NAME),
        ("logs/../../../etc", None),
        ("logs/other", None),
    ],
)
def test_path_in_archive_is_opened(tmp_path: Path, path: str, run: str | None) -> None:
    shutil.copytree(RUN, tmp_path / "logs" / NAME)
    shutil.copytree(RUN, tmp_path / "logs" / "run_1795381936000")
    (tmp_path / "packed.tgz").write_bytes(ARCHIVES[".tgz"](tmp_path / "logs"))
    shutil.rmtree(tmp_path / "logs")
    done = osiris_inspect("summarize", f"packed.tgz/{path}", "--format", "json", "--exit-zero", cwd=tmp_path)
    assert done.code == (0 if run else 3)
    if run:
        assert [entry["path"] for entry in json.loads(done.out)["runs"]] == [f"packed.tgz/logs/{run}"]
    else:
        assert done.err.count("\n") == 1


def test_files_without_a_folder_are_named_after_the_archive(tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / NAME), "gztar", RUN)
    done = osiris_inspect("summarize", f"{NAME}.tar.gz", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith(f"✗ {NAME}  director-stats")


def test_logs_in_archive_may_be_compressed(tmp_path: Path) -> None:
    from tests.cli.packed_runs import packed_run

    packed_run(tmp_path, "rotated gz")
    (tmp_path / "packed.zip").write_bytes(ARCHIVES[".zip"](tmp_path / NAME))
    done = osiris_inspect("events", "packed.zip", "event=run_end", cwd=tmp_path)
    assert done.out.startswith("    25  ")


def test_pattern_names_archives(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.tgz").write_bytes(ARCHIVES[".tgz"](RUN))
    done = osiris_inspect("summarize", "*.tgz", "--format", "json", cwd=tmp_path)
    assert [run["path"] for run in json.loads(done.out)["runs"]] == [f"a.tgz/{NAME}", f"b.tgz/{NAME}"]


@pytest.mark.parametrize("beside", ["", NAME])
def test_archive_in_folder_of_runs_is_named(tmp_path: Path, beside: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "run_1795381936000.tgz").write_bytes(ARCHIVES[".tgz"](RUN))
    (tmp_path / "logs" / "notes.zip").write_bytes(b"")
    if beside:
        shutil.copytree(RUN, tmp_path / "logs" / beside)
    done = osiris_inspect("runs", "logs", cwd=tmp_path)
    assert done.code == (0 if beside else 3)
    assert len(done.err.splitlines()) == 1
    hint = "'logs/run_1795381936000.tgz' is an archive and was not opened; name it to read the runs in it"
    assert hint in done.err


def test_archive_is_opened_in_terminal(tmp_path: Path) -> None:
    (tmp_path / "packed.tgz").write_bytes(ARCHIVES[".tgz"](RUN))
    (written,) = call_all(
        [Call(["why", "./packed.tgz"], {"TMPDIR": str(tmp_path)}, is_terminal=True)],
        tmp_path,
        {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TERM": "xterm-256color"},
    )
    assert written.code == 0
    assert b"compute-stats" in written.out


def test_python_api_opens_archive(tmp_path: Path) -> None:
    import osiris_inspect as package

    (tmp_path / "packed.zip").write_bytes(ARCHIVES[".zip"](RUN))
    run = package.open(tmp_path / "packed.zip")
    assert (run.id, run.status) == (NAME, "failed")


def test_archive_is_not_cleaned(tmp_path: Path) -> None:
    (tmp_path / "packed.zip").write_bytes(ARCHIVES[".zip"](RUN))
    done = osiris_inspect("clean", "packed.zip", "--yes", cwd=tmp_path, env={"XDG_CACHE_HOME": str(tmp_path)})
    assert done.code == 3
    assert re.search(r"'packed\.zip' is a file, not a run directory", done.err)
