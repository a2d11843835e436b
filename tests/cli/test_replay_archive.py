"""``replay`` of a run in an archive: isolated, on nothing but what the archive has."""

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import osiris_inspect as oi
from osiris_inspect.model.errors import SettingsError
from tests.cli.shell import osiris_inspect
from tests.cli.test_resume import PIPELINE, call
from tests.runtime.runs import events_of, needs
from tests.runtime.test_replay import tree

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run whose step ``bad`` failed, and ``run.zip`` with that run."""
    needs("sandbox")
    folder = tmp_path_factory.mktemp("packed")
    (folder / "films.csv").write_text("id,v\n1,1\n2,2\n3,3\n")
    (folder / "films.yaml").write_text(PIPELINE.replace("COLUMN", "nope"))
    assert call(folder, ["run", "films.yaml", "--quiet"])[0].code == 1
    pack(_run_of(folder), folder / "run.zip")
    return folder


def _run_of(folder: Path) -> Path:
    (path,) = (folder / "logs").iterdir()
    return path


def pack(run: Path, archive: Path, *, config: Change | None = None, start: Change | None = None) -> None:
    """Pack a run, with changes of the configuration of the step ``bad`` and of the first event."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted(run.rglob("*")):
            if not path.is_file():
                continue
            name, content = path.relative_to(run.parent).as_posix(), path.read_bytes()
            if config is not None and name.endswith("cfg/bad.json"):
                document = json.loads(content)
                config(document)
                content = json.dumps(document).encode()
            if start is not None and name.endswith("/events.jsonl"):
                first, _, others = content.partition(b"\n")
                document = json.loads(first)
                start(document)
                content = json.dumps(document).encode() + b"\n" + others
            out.writestr(name, content)


def _plain(text: str) -> str:
    return re.sub(r"run_\d+", "RUN", text)


def test_archive_is_replayed_in_isolation(folder: Path, tmp_path: Path) -> None:
    env = {"TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(folder / "cache")}
    done = osiris_inspect("replay", "run.zip", "bad", "--logs", "away", cwd=folder, env=env)
    again, ended = call(folder, ["replay", "away/@latest", "bad"], ["why", "away/@latest"])
    assert (done.code, _plain(done.out)) == (1, "away/RUN\nsame failure\n")
    assert "films (sandbox) RUN\n" in _plain(done.err)
    assert (again.code, _plain(again.err)) == (
        2,
        "osiris-inspect: RUN is a replay of an untrusted run, which is replayed in isolation only; "
        "replay the file that it came in\n",
    )
    assert "nope" in ended.out
    assert list(tmp_path.iterdir()) == []
    (new,) = (folder / "away").iterdir()
    events = events_of(new)
    assert events[0]["mode"] == "sandbox"
    level = events[0]["options"]["isolation"]
    assert events[0]["options"] == {"foreign": "yes", "isolation": level, "on": "sandbox"}
    assert level in ("bwrap", "landlock")
    (started,) = (event for event in events if event["event"] == "worker_started")
    assert (started["grants"]["network"], started["guarantees"]["network"]) == (False, "yes")
    assert not {str(folder), str(folder / "logs"), str(_run_of(folder))} & set(started["grants"]["read"])


REFUSED = {
    "replay run.zip bad --on local": "--on cannot be used on an untrusted run, which is replayed in isolation; ",
    "replay run.zip bad --allow-writes": "--allow-writes cannot be used on an untrusted run",
    "replay run.zip bad --recompute": "--recompute cannot be used on an untrusted run",
    "replay run.zip ext": "step 'ext' (filesystem.csv_extractor) reads or writes outside of its run",
    "replay run.zip write-bad": "step 'write-bad' did not run in ",
    "replay run.zip bad --set allow_external=true": "step 'bad' sets allow_external, and its run is untrusted; "
    "add --set allow_external=false",
    "replay run.zip bad --with-code run.zip": "--with-code run.zip is neither a folder nor a zip with code",
    "shell run.zip bad": "shell runs steps without isolation, and this run is untrusted; ",
    "resume run.zip": "resume runs steps without isolation, and this run is untrusted; ",
}


def test_what_runs_outside_isolation_is_refused(folder: Path) -> None:
    before = tree(folder / "logs")
    for line, done in zip(REFUSED, call(folder, *(line.split() for line in REFUSED)), strict=True):
        assert (done.code, done.out) == (2, ""), line
        assert done.err.startswith(f"osiris-inspect: {REFUSED[line]}"), done.err
    assert tree(folder / "logs") == before


def test_proof_of_archive_is_not_tested(folder: Path) -> None:
    fixed = PIPELINE.replace("COLUMN", "v + 1 AS w")
    (folder / "fixed.yaml").write_text(fixed)
    run, done = call(
        folder,
        ["run", "fixed.yaml", "--quiet", "--logs", "fixed"],
        ["diff", "fixed/@latest", "run.zip", "--prove"],
    )
    assert run.code == 0
    assert "diff --prove runs steps without isolation, and this run is untrusted" in done.out


HOSTILE: Mapping[str, tuple[str, Mapping[str, Any], str]] = {
    "external": ("config", {"allow_external": True}, "step 'bad' sets allow_external"),
    "connection": (
        "config",
        {"connection": "@mysql.db"},
        "step 'bad' (duckdb.processor) reads or writes outside",
    ),
    "mode": ("config", {"mode": "write"}, "step 'bad' (duckdb.processor) reads or writes outside of its run"),
    "timeout": ("start", {"settings": {"step_timeout_s": {"value": "no"}}}, "invalid --step-timeout-s: 'no'"),
    "capture": ("start", {"settings": {"capture": {"value": {"x": [1]}}}}, "invalid --capture: "),
    "memory": ("start", {"options": {"memory_limit": "much"}}, "invalid --memory-limit: 'much'"),
}


def test_hostile_record_is_refused(folder: Path) -> None:
    for name, (where, change, _) in HOSTILE.items():
        pack(_run_of(folder), folder / f"{name}.zip", **{where: _updated_with(change)})
    for name, done in zip(
        HOSTILE, call(folder, *(["replay", f"{name}.zip", "bad", "--quiet"] for name in HOSTILE)), strict=True
    ):
        assert (done.code, done.out) == (2, ""), name
        assert done.err.startswith(f"osiris-inspect: {HOSTILE[name][2]}"), done.err
        assert done.err.count("\n") == 1


def test_paths_in_hostile_record_are_not_granted(folder: Path) -> None:
    options = {"base": "/", "file": "/etc/passwd", "connections": "/etc/passwd", "with_code": "/"}
    start = {"options": options, "origin": {"done": ["bad"]}, "settings": {"keep": 3}}
    pack(_run_of(folder), folder / "paths.zip", start=_updated_with(start))
    (done,) = call(folder, ["replay", "paths.zip", "bad", "--quiet", "--logs", "paths"])
    assert (done.code, done.out.splitlines()[-1]) == (1, "same failure"), done.err
    (new,) = (folder / "paths").iterdir()
    (started,) = (event for event in events_of(new) if event["event"] == "worker_started")
    assert not {"/", "/etc", "/etc/passwd", str(folder)} & set(started["grants"]["read"])


def _updated_with(change: Mapping[str, Any]) -> Change:
    return lambda document: document.update(change)


def test_python_replays_archive_in_isolation(folder: Path) -> None:
    outcome = oi.replay(folder / "run.zip", "bad", logs=folder / "python")
    assert outcome.verdict == "same failure"
    assert events_of(outcome.path)[0]["mode"] == "sandbox"
    with pytest.raises(SettingsError, match="--on cannot be used"):
        oi.replay(folder / "run.zip", "bad", on="local")
