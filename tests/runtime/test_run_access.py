"""Run directories are readable by their user only, whatever the umask, or by the user's group if the settings say so."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.files.run_access import GROUP, PRIVATE, RunAccess
from tests.cli.shell import osiris_inspect
from tests.runtime.runs import faulty, make_run

PIPELINE = """oml_version: 0.1.0
name: copied
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: in.csv}}
  - {id: write, component: filesystem.csv_writer, needs: [read], config: {path: out.csv}}
"""


@pytest.fixture(params=[0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


def _modes(folder: Path) -> set[tuple[str, int]]:
    """Return the kinds and modes of a folder and of what is below it."""
    return {
        ("folder" if path.is_dir() else "file", stat.S_IMODE(path.stat().st_mode))
        for path in (folder, *folder.rglob("*"))
    }


def _project(tmp_path: Path, settings: str) -> dict[str, str]:
    (tmp_path / "in.csv").write_text("a\n1\n")
    (tmp_path / "p.yaml").write_text(PIPELINE)
    config = tmp_path / "config" / "osiris-inspect"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(settings)
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.mark.parametrize(
    ("settings", "access", "target"),
    [("", PRIVATE, "local"), ('[runs]\nmode = "group"\n', GROUP, "sandbox")],
    ids=["private", "group"],
)
def test_run_directory_has_modes_of_settings(
    tmp_path: Path, umask: int, settings: str, access: RunAccess, target: str
) -> None:
    env = _project(tmp_path, settings)
    done = osiris_inspect("run", "p.yaml", "--on", target, "--force-spill", cwd=tmp_path, env=env)
    (run,) = (tmp_path / "logs").glob("run_*")
    assert done.code == 0
    assert _modes(run) == {("folder", access.folder), ("file", access.file)}
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o666 & ~umask


def test_compiled_pipeline_is_private(tmp_path: Path) -> None:
    env = _project(tmp_path, "")
    assert osiris_inspect("compile", "p.yaml", cwd=tmp_path, env=env).code == 0
    (folder,) = (tmp_path / "logs").glob("compile_*")
    assert _modes(folder) == {("folder", 0o700), ("file", 0o600)}


def test_file_of_driver_is_private_and_its_links_are_not_followed(tmp_path: Path, umask: int) -> None:
    outside = tmp_path / "outside"
    outside.write_text("")
    text = faulty("plant", path="artifacts/first/link", path_outside=str(outside), words="link")
    outcome = make_run(tmp_path, "none", text=text)
    assert _modes(outcome.path / "artifacts/_system") == {("folder", 0o700), ("file", 0o600)}
    assert stat.S_IMODE(outside.stat().st_mode) == 0o666 & ~umask


def test_hard_link_keeps_its_mode(tmp_path: Path) -> None:
    run, outside = tmp_path / "run", tmp_path / "outside"
    run.mkdir()
    outside.write_text("")
    outside.chmod(0o644)
    (run / "link").hardlink_to(outside)
    (run / "own").write_text("")
    with DirectoryWriter(run) as files:
        files.apply_access()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644
    assert stat.S_IMODE((run / "own").stat().st_mode) == 0o600


@pytest.mark.parametrize("settings", ['runs = "group"\n', '[runs]\nmode = "all"\n', "[runs]\nkeep = 3\n"])
def test_wrong_mode_is_refused(tmp_path: Path, settings: str) -> None:
    done = osiris_inspect("run", "p.yaml", cwd=tmp_path, env=_project(tmp_path, settings))
    assert done.code == 2
    assert 'write mode = "group" or mode = "private"' in done.err
    assert not list((tmp_path / "logs").glob("run_*"))
