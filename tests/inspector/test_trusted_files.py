"""Which files of a project may execute code or allow errors: those that the user tracks or names."""

import os
import subprocess
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.project.git_index import find_git_root, is_tracked
from osiris_inspect.inspector.project.project import Project
from osiris_inspect.inspector.run.report import Report
from tests.cli.shell import osiris_inspect
from tests.inspector.making import CHAIN, failing_locally, native, run_dir

RULE = """\"\"\"Writes a file when it is loaded.\"\"\"
import pathlib
pathlib.Path("executed").write_text("yes")
NEEDS = ("steps",)


def check(run, lineage):
    return ()
"""
COMMENT = "# osiris-inspect: allow file-missing: known\nname: demo\n"


def git(folder: Path, *words: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True)


def repository(folder: Path, *tracked: str) -> Path:
    folder.mkdir(exist_ok=True)
    git(folder, "init")
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        git(folder, "add", name)
    return folder


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("hashes", ["sha1", "sha256"])
def test_index_of_every_version_names_what_is_tracked(tmp_path: Path, version: str, hashes: str) -> None:
    git(tmp_path, "init", f"--object-format={hashes}")
    names = [
        "a.yaml",
        "a.yaml.bak",
        "pipelines/daily.yaml",
        "pipelines/daily/é.yaml",
        *(f"x{n:03}" for n in range(200)),
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    git(tmp_path, "add", ".")
    if version == "3":
        (tmp_path / "later").touch()
        git(tmp_path, "add", "--intent-to-add", "later")
    else:
        git(tmp_path, "update-index", "--index-version", version)
    assert (tmp_path / ".git/index").read_bytes()[7] == int(version)
    (tmp_path / "new.yaml").touch()
    assert all(is_tracked(tmp_path, tmp_path / name) for name in names)
    assert not any(is_tracked(tmp_path, tmp_path / name) for name in ("new.yaml", "daily.yaml", "pipelines"))


def test_worktree_has_an_index_of_its_own(tmp_path: Path) -> None:
    main = repository(tmp_path / "main", "p.yaml")
    git(main, "commit", "-m", "x")
    git(main, "worktree", "add", str(tmp_path / "other"))
    assert find_git_root(tmp_path / "other") == tmp_path / "other"
    assert is_tracked(tmp_path / "other", tmp_path / "other" / "p.yaml")


@pytest.mark.parametrize(
    "index",
    [
        b"",
        b"DIRC",
        b"DIRC\0\0\0\x09\0\0\0\1",
        b"DIRC\0\0\0\2\0\0\0\1" + b"x" * 70,
        b"DIRC\0\0\0\4\xff\xff\xff\xff" + b"\xff" * 99,
    ],
)
def test_index_that_is_none_tracks_nothing(tmp_path: Path, index: bytes) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/index").write_bytes(index)
    assert not is_tracked(tmp_path, tmp_path / "p.yaml")


def failed(folder: Path, file: str) -> Path:
    plan = native("plan", 0, file=file, steps=[{"step_id": "extract", "line": 2}])
    return run_dir(folder / "logs", [plan, *failing_locally("CSV file not found: /x")], steps=CHAIN)


def is_known(report: Report) -> bool:
    assert report.root_cause is not None
    assert report.root_cause.rule == "file-missing"
    return report.root_cause.in_baseline


def test_comment_of_a_tracked_pipeline_allows_an_error(tmp_path: Path) -> None:
    repository(tmp_path, "p.yaml")
    (tmp_path / "p.yaml").write_text(COMMENT)
    assert is_known(analyze(failed(tmp_path, "p.yaml"), project=Project(tmp_path)))


def test_comment_of_an_untracked_pipeline_allows_no_error_unless_it_is_named(tmp_path: Path) -> None:
    repository(tmp_path, "other.yaml")
    (tmp_path / "p.yaml").write_text(COMMENT)
    run = failed(tmp_path, "p.yaml")
    assert not is_known(analyze(run, project=Project(tmp_path)))
    assert is_known(analyze(run, project=Project(tmp_path, allow_from=(tmp_path / "p.yaml",))))


@pytest.mark.parametrize("where", ["in the run", "absolute", "outside", "link", "link to a folder", "nul"])
def test_file_that_a_log_names_elsewhere_allows_nothing_even_if_it_is_tracked(
    tmp_path: Path, where: str
) -> None:
    project = repository(tmp_path / "here", "p.yaml", "folder/p.yaml")
    for file in (project / "p.yaml", project / "folder/p.yaml", tmp_path / "p.yaml"):
        file.write_text(COMMENT)
    (project / "link.yaml").symlink_to("p.yaml")
    (project / "linked").symlink_to("folder")
    run = failed(project, "x")
    (run / "notes.yaml").write_text(COMMENT)
    names = {
        "in the run": f"logs/{run.name}/notes.yaml",
        "absolute": str(project / "p.yaml"),
        "outside": "../p.yaml",
        "link": "link.yaml",
        "link to a folder": "linked/p.yaml",
        "nul": "p.yaml\0",
    }
    git(project, "add", ".")
    run = failed(project, names[where])
    assert not is_known(analyze(run, project=Project(project)))


def test_project_in_a_folder_of_the_repository_reaches_its_other_folders(tmp_path: Path) -> None:
    repository(tmp_path, "pipelines/p.yaml", "jobs/x")
    (tmp_path / "pipelines/p.yaml").write_text(COMMENT)
    run = failed(tmp_path / "jobs", "../pipelines/p.yaml")
    assert is_known(analyze(run, project=Project(tmp_path / "jobs")))


def test_failed_run_cannot_turn_its_exit_code_to_success(tmp_path: Path) -> None:
    run = failed(tmp_path, "p.yaml")
    (tmp_path / "p.yaml").write_text(COMMENT)
    done = osiris_inspect("summarize", "logs", cwd=tmp_path)
    assert done.code == 1
    assert "p.yaml:1: file-missing@extract does not allow the error: git does not track p.yaml" in done.err
    assert osiris_inspect("summarize", "logs", "--allow-from", "p.yaml", cwd=tmp_path).code == 0
    (tmp_path / ".osiris-inspect.toml").write_text('ignore = ["file-missing"]\n')
    (tmp_path / "p.yaml").unlink()
    assert osiris_inspect("summarize", str(run), cwd=tmp_path).code == 1
    assert osiris_inspect("summarize", "logs", "--allow-from", ".osiris-inspect.toml", cwd=tmp_path).code == 0


def with_rules(folder: Path, *, table: str = ".osiris-inspect.toml") -> Path:
    head = "" if table.startswith(".") else "[tool.osiris-inspect]\n"
    (folder / table).write_text(f'{head}rules = ["checks"]\n')
    (folder / "checks").mkdir()
    (folder / "checks/house_rule.py").write_text(RULE)
    return failed(folder, "p.yaml")


COMMANDS = [
    ("summarize", "logs"),
    ("why", "logs"),
    ("lineage", "logs"),
    ("runs", "logs"),
    ("rules",),
    ("explain", "file-missing"),
    ("explain", "logs:file-missing"),
    ("pack", "logs"),
    ("open", "logs"),
    ("--spec",),
    ("sql", "logs", "SELECT 1"),
]


@pytest.mark.parametrize("table", [".osiris-inspect.toml", "pyproject.toml"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_rules_of_a_folder_are_not_executed_without_consent(
    tmp_path: Path, words: tuple[str, ...], table: str
) -> None:
    with_rules(tmp_path, table=table)
    done = osiris_inspect(*words, cwd=tmp_path)
    assert not (tmp_path / "executed").exists()
    assert "Traceback" not in done.err
    if words[0] not in ("sql", "pack", "lineage"):  # these need no rules
        assert f"the rules in 'checks', which {table} names, were not executed" in done.err


@pytest.mark.parametrize("consent", ["option", "variable", "config"])
def test_rules_are_executed_with_consent(tmp_path: Path, consent: str) -> None:
    with_rules(tmp_path)
    env: dict[str, str] = {}
    words: tuple[str, ...] = ("summarize", "logs")
    if consent == "option":
        words = (*words, "--rules", "checks")
    elif consent == "variable":
        env = {"OSIRIS_INSPECT_RULES": f"checks{os.pathsep}checks"}
    else:
        config = tmp_path / "config/osiris-inspect/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'trusted = ["{tmp_path}"]\n')
        env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    done = osiris_inspect(*words, cwd=tmp_path, env=env)
    assert (tmp_path / "executed").exists()
    assert "not executed" not in done.err
    assert done.code == 1


def test_folder_of_rules_that_does_not_exist_is_named(tmp_path: Path) -> None:
    failed(tmp_path, "p.yaml")
    done = osiris_inspect("summarize", "logs", "--rules", "nowhere", cwd=tmp_path)
    assert done.code == 2
    assert "nowhere" in done.err
