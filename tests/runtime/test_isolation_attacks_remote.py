"""Attacks of code in an E2B sandbox on the host: each one changes nothing but the outputs of the pipeline.

The attacks run for real: a driver in the stand-in's sandbox plants files and makes the sandbox lie in its listing,
as a login shell that reads the driver's ``.bash_profile`` does on E2B. What each one may leave on the host was
decided before it was run.
"""

import stat
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.runtime.proxy.proxy import RunResult
from tests.runtime.clouds import in_the
from tests.runtime.runs import events_of, make_run, status_of

pytestmark = [pytest.mark.usefixtures("nothing_left"), pytest.mark.sampled(3)]

OUTPUT = "n\n1\n2\n3\n"
CANARIES = {
    ".env": "SECRET=1\n",
    ".git/hooks/pre-push": "#!/bin/sh\n",
    "conftest.py": "",
    "p.yaml": "steps: []\n",
    "logs/run_1000000000000/events.jsonl": '{"event":"run_end"}\n',
}
HOST_FILES = {
    "events.jsonl", "metrics.jsonl", "manifest.yaml", "status.json", "worker.log", "cfg/first.json",
    "cfg/write.json", "cfg/last.json", "artifacts/_system/components.json", "artifacts/_system/run_card.json",
    "artifacts/_system/packages.json",
}  # fmt: skip
"""Files of the run directory that the host itself writes."""
STEPS = ("first", "write", "last")
ARTIFACTS = {f"artifacts/{step}/cleaned_config.json" for step in STEPS}
"""Files that the steps leave there in a run without an attack."""


@dataclass(frozen=True)
class Attack:
    """An attack and what it may achieve.

    Attributes:
        code: runs in the sandbox, in the step before the one that writes ``out.csv``.
        refused: the paths that the host reports as refused, each with words of the reason.
        invalid_lines: lines of the listing that are not entries.
        lost: words of the run's reason if ``out.csv`` must not arrive.
        artifacts: further files that the host accepts, because they are artifacts of a step.
        after: runs in the sandbox in the step after the one that writes.
        has_artifacts: False if the artifacts of the steps are not listed.
    """

    code: str
    refused: tuple[tuple[str, str], ...] = ()
    invalid_lines: int = 0
    lost: str | None = None
    artifacts: frozenset[str] = frozenset()
    after: str = "pass"
    has_artifacts: bool = True


NO_OUTPUT = "no step of the pipeline writes it"
NO_ARTIFACT = "it is not an artifact of a step"


def _output(path: str, code: str | None = None) -> Attack:
    """Return an attack that lists an additional output."""
    return Attack(code or f"lie(plant({path!r}, 'pwned'))", ((path, NO_OUTPUT),))


def _artifact(path: str, code: str | None = None) -> Attack:
    """Return an attack that lists an additional artifact."""
    return Attack(code or f"lie(plant({path!r}, 'pwned', run))", ((path, NO_ARTIFACT),))


def _special(words: str, make: str) -> Attack:
    """Return an attack with something special in place of an artifact, which the true listing names."""
    return Attack(make, (("artifacts/first/x", f"it is {words}"),))


ATTACKS: Mapping[str, Attack] = {
    # -- outputs that the pipeline does not name
    "hook of git": _output(".git/hooks/pre-commit"),
    "secrets of the pipeline": _output(".env"),
    "the pipeline itself": _output("p.yaml"),
    "code that pytest runs": _output("conftest.py"),
    "another run": _output("logs/run_1000000000000/events.jsonl"),
    "parent of the folder": _output("../x"),
    "parent below a folder": _output("sub/../../x"),
    "absolute path": _output("/tmp/osiris-attack", "lie(entry('/tmp/osiris-attack'))"),
    "named output in another spelling": _output("./out.csv"),
    "named output in another case": _output("OUT.CSV"),
    "below the named output": _output("out.csv/x", "lie(entry('out.csv/x'))"),
    "path of 100,000 characters": Attack("lie(entry('x' * 100_000))", (("x" * 300, NO_OUTPUT),)),
    "escape codes in a path": _output("\x1b[2Jx", "lie(entry('\\x1b[2Jx'))"),
    "a link as an additional output": Attack(
        "Path('link').symlink_to('/etc/passwd'); lie(entry('link'))", (("link", NO_OUTPUT),)
    ),
    # -- artifacts outside the artifacts of the steps
    "log of the run": _artifact("events.jsonl", "lie(plant('events.jsonl', 'pwned', run))"),
    "verdict of the run": _artifact("status.json"),
    "manifest of the run": _artifact("manifest.yaml", "lie(entry('manifest.yaml', is_output=False))"),
    "run card": _artifact("artifacts/_system/run_card.json", "lie(entry('artifacts/_system/run_card.json', is_output=False))"),
    "components": _artifact("artifacts/_system/components.json", "lie(entry('artifacts/_system/components.json', is_output=False))"),
    "unknown step": _artifact("artifacts/other/x", "plant('artifacts/other/x', 'pwned', run)"),
    "folder of a step itself": _artifact("artifacts/first", "lie(entry('artifacts/first', is_output=False))"),
    "parent of an artifact": _artifact("artifacts/first/../../events.jsonl", "lie(entry('artifacts/first/../../events.jsonl', is_output=False))"),
    "parent as a step": _artifact("artifacts/../events.jsonl", "lie(entry('artifacts/../events.jsonl', is_output=False))"),
    "absolute artifact": _artifact("/etc/x", "lie(entry('/etc/x', is_output=False))"),
    "empty component": _artifact("artifacts/first//x", "lie(entry('artifacts/first//x', is_output=False))"),
    "NUL in a path": _artifact("artifacts/first/a\0b", "lie(entry('artifacts/first/a\\0b', is_output=False))"),
    "line break in a path": _artifact("artifacts/first/a\nb", "lie(entry('artifacts/first/a\\nb', is_output=False))"),
    # -- what is not a regular file, planted for real
    "link to a file": _special("a symbolic link", "(ctx.artifacts / 'x').symlink_to('/etc/passwd')"),
    "link to a folder": _special("a symbolic link", "(ctx.artifacts / 'x').symlink_to('/etc')"),
    "link without a target": _special("a symbolic link", "(ctx.artifacts / 'x').symlink_to('nothing')"),
    "pipe": _special("a pipe or a device", "import os; os.mkfifo(ctx.artifacts / 'x')"),
    # -- listings that are no listings
    "lines that are no entries": Attack(
        "lie('', 'no JSON', '[1]', '7', 'null', '{}', {'path': 7}, '{\"path\": \"\\\\udcff\", \"is_output\": true}', '[' * 5000)",
        invalid_lines=8,
    ),
    "entries of wrong types": Attack(
        "good = plant('out.csv', 'pwned')\n"
        "lie(good | {'bytes': -1}, good | {'bytes': 5.0}, good | {'bytes': True}, good | {'bytes': 10**30},"
        " good | {'sha256': '../x'}, good | {'sha256': 5}, good | {'is_output': 'yes'}, good | {'path': None})",
        invalid_lines=8,
    ),
    "mode and owner in an entry": Attack(
        "import os\nlie(plant('artifacts/first/tool', 'pwned', run, mode=0o4755, uid=0))\nos.chmod(ctx.artifacts / 'tool', 0o4755)",
        (("artifacts/first/tool", "it is listed twice"),),
        artifacts=frozenset({"artifacts/first/tool"}),
    ),
    "file and folder of one name": Attack(
        "lie(plant('artifacts/first/x', 'pwned', run), entry('artifacts/first/x/y', is_output=False))",
        (("artifacts/first/x", "it is listed twice"),),
        artifacts=frozenset({"artifacts/first/x"}),
    ),
    # -- lies about the named output
    "output of a wrong hash": Attack("lie(entry('out.csv', size=8))", (("out.csv", "it is listed twice"),), lost="download is damaged"),
    "output that is shorter": Attack("lie(entry('out.csv', size=9))", (("out.csv", "it is listed twice"),), lost="damaged: 8 of 9 bytes"),
    "output that is longer": Attack("lie(entry('out.csv', size=3))", (("out.csv", "it is listed twice"),), lost="more than the expected 3 bytes"),
    "output larger than the disk": Attack("lie(entry('out.csv', size=10**18))", (("out.csv", "it is listed twice"),), lost="it has 1,000,000,000,000,000,000 bytes"),
    "output that is not listed": Attack("lie(instead=True)", lost="it is not a file of the sandbox", has_artifacts=False),
    "output that is a pipe": Attack(
        "",
        (("out.csv", "it is a pipe or a device"),),
        lost="it is not a file of the sandbox",
        after="import os; os.remove('out.csv'); os.mkfifo('out.csv')",
    ),
    "output that is a link": Attack(
        "",
        (("out.csv", "it is a symbolic link"),),
        lost="it is not a file of the sandbox",
        after="import os; os.remove('out.csv'); os.symlink('/etc/passwd', 'out.csv')",
    ),
    "output in a folder that is a link": Attack(
        "lie(entry('sub/out.csv')); Path('sub').symlink_to('/tmp')", (("sub/out.csv", NO_OUTPUT),)
    ),
    "pipe that is listed as a file": Attack(
        "",
        (("out.csv", "it is a pipe or a device"),),
        lost="the download did not end within",
        after="import os; os.remove('out.csv'); os.mkfifo('out.csv'); lie(entry('out.csv', size=8))",
    ),
    "device that is listed as a file": Attack(
        "",
        (("out.csv", "it is a symbolic link"),),
        lost="more than the expected 8 bytes arrived",
        after="import os; os.remove('out.csv'); os.symlink('/dev/zero', 'out.csv'); lie(entry('out.csv', size=8))",
    ),
    # -- the program that lists
    "program of the listing is changed": Attack(
        "lies = json.dumps(plant('.git/hooks/pre-commit', 'pwned'))\n"
        "for program in Path.home().rglob('list_files.py'):\n"
        "    program.write_text(f'print({lies!r})')",
            ),
    "modules for the listing are planted": Attack(
        "for folder in (Path.home(), Path.home() / '.local/lib/python3.11/site-packages', Path()):\n"
        "    folder.mkdir(parents=True, exist_ok=True)\n"
        "    for name in ('hashlib', 'json', 'sitecustomize', 'usercustomize'):\n"
        "        (folder / f'{name}.py').write_text('raise SystemExit(0)')\n",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_sandbox_left(cloud: Any) -> Iterator[None]:
    yield
    assert not cloud.sandboxes
    cloud.faults.clear()
    cloud.reuses_home, cloud.before_download = False, lambda _: None


def _pipeline(code: str, after: str) -> str:
    return (
        'oml_version: "0.1.0"\nname: attacked\nsteps:\n'
        "  - id: first\n    component: test.hostile\n"
        f"    config: {{code: {orjson.dumps(code).decode()}}}\n"
        "  - id: write\n    component: filesystem.csv_writer\n    needs: [first]\n"
        "    config: {path: out.csv}\n"
        f"  - id: last\n    component: test.hostile\n    config: {{code: {orjson.dumps(after).decode()}}}\n"
    )


def _base(tmp_path: Path) -> Path:
    base = tmp_path / "base"
    for name, text in CANARIES.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text(text)
    return base


def _attack(base: Path, cloud: Any, code: str, after: str = "pass", **more: Any) -> RunResult:
    more = {"artifact_policy": "all"} | more
    return make_run(base, "e2b", text=_pipeline(code, after), transport=in_the(cloud), **more)


def _tree(folder: Path) -> dict[str, str]:
    """Return each file with its text, links and pipes included."""
    files = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        name = path.relative_to(folder).as_posix()
        if stat.S_ISREG(status.st_mode):
            files[name] = path.read_text(errors="replace")
        elif not stat.S_ISDIR(status.st_mode):
            files[name] = f"special: {stat.filemode(status.st_mode)}"
    return files


def _check_host(base: Path, outcome: RunResult, artifacts: Set[str], *, has_output: bool) -> None:
    """Check that nothing on the host changed but the run's own files and its output."""
    run = outcome.path.relative_to(base).as_posix()
    files = _tree(base.parent)
    own = {name.removeprefix(f"base/{run}/") for name in files if name.startswith(f"base/{run}/")}
    assert own == HOST_FILES | artifacts
    others = {name: text for name, text in files.items() if not name.startswith(f"base/{run}/")}
    expected = {f"base/{name}": text for name, text in CANARIES.items()}
    expected["base/movies.csv"] = files["base/movies.csv"]
    if has_output:
        expected["base/out.csv"] = OUTPUT
    assert others == expected
    assert not [path for path in base.rglob("*") if path.is_file() and path.stat().st_mode & 0o7133]
    assert '"pwned' not in (outcome.path / "events.jsonl").read_text()


def _names(outcome: RunResult, name: str) -> list[dict[str, Any]]:
    return [event for event in events_of(outcome.path) if event["event"] == name]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attack_changes_only_named_outputs(tmp_path: Path, cloud: Any, attack: Attack) -> None:
    base = _base(tmp_path)
    outcome = _attack(base, cloud, attack.code, attack.after)
    artifacts = attack.artifacts | (ARTIFACTS if attack.has_artifacts else set())
    _check_host(base, outcome, artifacts, has_output=attack.lost is None)
    refused = [(event["path"], event["reason"]) for event in _names(outcome, "artifact_refused")]
    assert sorted(refused) == sorted(attack.refused)
    invalid = sum(event["invalid_lines"] for event in _names(outcome, "artifacts_refused"))
    assert invalid == attack.invalid_lines
    assert (outcome.status, status_of(outcome.path)["ok"]) == (
        ("success", True) if attack.lost is None else ("failed", False)
    )
    assert attack.lost is None or attack.lost in str(outcome.reason)


def test_file_that_changes_before_download_is_lost(tmp_path: Path, cloud: Any) -> None:
    def change(path: Path) -> None:
        if path.name == "out.csv":
            path.write_text("n\n9\n9\n9\n")

    base = _base(tmp_path)
    cloud.before_download = change
    outcome = _attack(base, cloud, "pass")
    assert outcome.status == "failed"
    assert "'out.csv' was not downloaded from the worker: the download is damaged" in str(outcome.reason)
    _check_host(base, outcome, ARTIFACTS, has_output=False)


def test_old_output_survives_an_attack_on_it(tmp_path: Path, cloud: Any) -> None:
    base = _base(tmp_path)
    (base / "out.csv").write_text("old")
    (base / "out.csv").chmod(0o640)
    outcome = _attack(base, cloud, "lie(entry('out.csv', size=8))")
    assert outcome.status == "failed"
    assert ((base / "out.csv").read_text(), (base / "out.csv").stat().st_mode & 0o7777) == ("old", 0o640)
    assert not list(base.glob(".out.csv*"))


def test_output_of_a_failed_step_stays_in_the_sandbox(tmp_path: Path, cloud: Any) -> None:
    base = _base(tmp_path)
    outcome = _attack(base, cloud, "plant('out.csv', 'pwned'); raise ValueError('fails')")
    assert outcome.status == "failed"
    (left,) = _names(outcome, "artifact_left")
    assert (left["path"], left["reason"]) == ("out.csv", "the step that writes it did not succeed")
    assert not (base / "out.csv").exists()


def test_endless_listing_is_stopped(tmp_path: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osiris_inspect.runtime.transport.e2b.files._MAX_LISTING_CHARS", 100_000)
    outcome = _attack(_base(tmp_path), cloud, "(Path.home() / '.bash_profile').write_text('yes x\\n')")
    assert outcome.status == "failed"
    assert "cannot list the worker's files: the listing has more than 100,000 characters" in str(
        outcome.reason
    )


def test_listing_that_does_not_end_is_stopped(
    tmp_path: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris_inspect.runtime.transport.e2b.files.COMMAND_TIMEOUT_S", 2.0)
    outcome = _attack(_base(tmp_path), cloud, "(Path.home() / '.bash_profile').write_text('sleep 600')")
    assert outcome.status == "failed"
    assert "cannot list the worker's files" in str(outcome.reason)


def test_thousand_refused_files_are_counted(tmp_path: Path, cloud: Any) -> None:
    base = _base(tmp_path)
    outcome = _attack(base, cloud, "lie(*(entry(f'evil{number}') for number in range(1000)))")
    assert len(_names(outcome, "artifact_refused")) == 20
    (rest,) = _names(outcome, "artifacts_refused")
    assert (rest["count"], rest["invalid_lines"]) == (980, 0)
    _check_host(base, outcome, ARTIFACTS, has_output=True)


def test_artifacts_beyond_the_limit_are_refused(
    tmp_path: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris_inspect.runtime.proxy.artifact_download._MAX_ARTIFACTS", 3)
    code = "[(ctx.artifacts / f'f{number}').write_text('x') for number in range(10)]"
    outcome = _attack(_base(tmp_path), cloud, code)
    assert len(list(outcome.path.glob("artifacts/[!_]*/*"))) == 3
    assert {event["reason"] for event in _names(outcome, "artifact_refused")} == {
        "there are more than 3 artifacts"
    }


def test_downloads_end_at_the_limit_of_a_run(
    tmp_path: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris_inspect.runtime.proxy.artifact_download.MAX_DOWNLOAD_BYTES", 100_000)
    code = "[(ctx.artifacts / f'f{number}').write_bytes(bytes(30_000)) for number in range(5)]"
    outcome = _attack(_base(tmp_path), cloud, code)
    assert sum(path.stat().st_size for path in outcome.path.glob("artifacts/first/f*")) == 90_000
    assert any(
        "left of the limit for the files of a run" in event["error"]
        for event in _names(outcome, "artifact_lost")
    )


# --- homes and lines of other runs


def _run_in_reused_home(base: Path, cloud: Any, code: str, **more: Any) -> RunResult:
    cloud.reuses_home = True
    return _attack(base, cloud, code, **more)


def test_run_in_used_home_reports_its_own_failure(tmp_path: Path, cloud: Any) -> None:
    base = _base(tmp_path)
    assert _run_in_reused_home(base, cloud, "pass").status == "success"
    (base / "out.csv").unlink()
    outcome = _run_in_reused_home(base, cloud, "import os; os._exit(7)")
    assert outcome.status == "failed"
    assert "exit code 7" in str(_names(outcome, "step_failed")[0]["error"])
    assert not (base / "out.csv").exists()
    assert not _names(outcome, "step_complete")
    assert {event["session"] for event in events_of(outcome.path)} == {outcome.path.name}
    assert not list(outcome.path.glob("artifacts/write/*"))


STALE = """files = sorted(Path.home().rglob('.worker_events.jsonl'), key=lambda file: file.stat().st_mtime)
lines = files[0].read_bytes()
with files[-1].open('ab') as file:
    file.write(lines)
import os; os._exit(7)
"""


def test_lines_of_another_run_are_ignored_and_reported(tmp_path: Path, cloud: Any) -> None:
    base = _base(tmp_path)
    assert _run_in_reused_home(base, cloud, "pass").status == "success"
    outcome = _run_in_reused_home(base, cloud, STALE)
    assert outcome.status == "failed"
    assert sum(event["count"] for event in _names(outcome, "foreign_lines")) > 10
    assert not _names(outcome, "step_complete")
    (failed,) = _names(outcome, "step_failed")
    assert "exit code 7" in failed["error"]


def test_damaged_replay_file_is_read_up_to_its_limit(
    tmp_path: Path, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("osiris_inspect.runtime.transport.e2b.sandbox._MAX_WORKER_LINES_BYTES", 1_000_000)
    code = (
        "with (run / '.worker_events.jsonl').open('ab') as file:\n"
        "    file.truncate(10_000_000_000)\n"
        "import os; os._exit(7)"
    )
    outcome = _attack(_base(tmp_path), cloud, code)
    assert outcome.status == "failed"
    (failed,) = _names(outcome, "replay_failed")
    assert "more than the expected 1,000,000 bytes arrived" in failed["error"]
