"""100 secrets, in every spelling and by every way out of a driver, are in no file, report and screen of a run."""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson
import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export import format_names
from tests.inspector.export.accept import rendered
from tests.model.spellings import SPELLINGS
from tests.runtime.faulty import REPO
from tests.runtime.test_secret_values import SECRET_NAMES
from tests.security import leaky_driver
from tests.tui.conftest import Open, stage  # noqa: F401  a fixture

NAMES = SECRET_NAMES[:100]
VALUES = {name: f"Zq{number:02d}k'\"<ä/% \\w{number}x" for number, name in enumerate(NAMES)}
CORES = tuple(f"Zq{number:02d}k" for number in range(len(NAMES)))
"""Beginnings of the secrets, which most spellings keep."""
COMMANDS = (
    ("why", "fail"),
    ("events",),
    ("events", "--json"),
    ("events", "--raw"),
    ("pack",),
    ("sql", "select * from events", "-f", "csv"),
)


@dataclass(frozen=True)
class Leaked:
    """A run of the leaky pipeline.

    Attributes:
        path: the run directory.
        output: what the run wrote to the terminal.
    """

    path: Path
    output: str


def _command(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'site'}:{REPO}", "FROM_VARIABLE": VALUES[NAMES[0]]}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "osiris_inspect", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr.decode()
    return (done.stdout + done.stderr).decode()


@pytest.fixture(scope="module", params=["local", "sandbox"])
def leaked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Leaked:
    """Run the leaky pipeline once for each place."""
    folder = tmp_path_factory.mktemp("leaky")
    leaky_driver.install(folder)
    values = {**VALUES, "addr": "${FROM_VARIABLE}"}
    document = {"connections": {"leaky": {"c": {"host": "h", "values": values}}}}
    (folder / "osiris_connections.yaml").write_bytes(orjson.dumps(document))
    (folder / "p.yaml").write_text(leaky_driver.PIPELINE)
    output = _command(folder, "run", "p.yaml", "--force-spill", "--on", request.param)
    (path,) = (folder / "logs").iterdir()
    return Leaked(path, output)


@cache
def _forms() -> tuple[str, ...]:
    """Return what the driver wrote: each spelling of seven secrets, and each secret as it is."""
    secrets = list(VALUES.values())
    spelled = [
        spelling(secrets[(7 * number + shift) % len(secrets)])
        for number, spelling in enumerate(SPELLINGS.values())
        for shift in range(7)
    ]
    return (*spelled, *secrets, *CORES)


def _leaks(text: str) -> list[str]:
    return [form for form in _forms() if form in text]


def test_no_file_of_run_has_secret(leaked: Leaked) -> None:
    files = [path for path in leaked.path.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"events.jsonl", "metrics.jsonl", "worker.log", "status.json", "run_card.json"} <= names
    assert [path for path in files if path.suffix == ".parquet"]
    leaks = {path.name: _leaks(path.read_bytes().decode("utf-8", "replace"))[:3] for path in files}
    assert {name: found for name, found in leaks.items() if found} == {}


def test_log_of_worker_has_every_way_out(leaked: Leaked) -> None:
    log = (leaked.path / "worker.log").read_text()
    for way in ("printed ", "to stderr ", "logged ", "warned ", "from a thread ", "written to descriptor 2 "):
        assert f"{way}***" in log
    assert "core files of 1 bytes" in log or "core files of 0 bytes" in log


def test_terminal_shows_no_secret(leaked: Leaked) -> None:
    assert "cannot connect: ***" in leaked.output
    assert _leaks(leaked.output) == []


def test_no_report_shows_secret(leaked: Leaked) -> None:
    report = analyze(leaked.path)
    assert {name: _leaks(rendered(name, report)) for name in format_names()} == {
        key: [] for key in format_names()
    }


def test_no_command_shows_secret(leaked: Leaked) -> None:
    for name, *rest in COMMANDS:
        shown = _command(leaked.path.parents[1], name, str(leaked.path), *rest)
        assert len(shown) > 100
        assert (name, _leaks(shown)) == (name, [])


async def test_viewer_shows_no_secret(leaked: Leaked, stage: Open) -> None:  # noqa: F811  the fixture
    async with stage(analyze(leaked.path), size=(160, 50)) as one:
        for tab in "123456":
            await one.press(tab)
            assert _leaks(one.text()) == []


def test_local_and_sandbox_log_alike(tmp_path: Path) -> None:
    logs = []
    for on in ("local", "sandbox"):
        folder = tmp_path / on
        folder.mkdir()
        leaky_driver.install(folder)
        (folder / "osiris_connections.yaml").write_text(
            "connections: {leaky: {c: {host: h, values: {password: Zq7kTrv9PxLm}}}}\n"
        )
        (folder / "p.yaml").write_text(leaky_driver.PIPELINE.split("  - {id: fail")[0])
        output = _command(folder, "run", "p.yaml", "--on", on)
        assert "to stderr" not in output
        (path,) = (folder / "logs").iterdir()
        lines = (path / "worker.log").read_text().splitlines()
        logs.append(sorted(line.partition(" - ")[2] or line for line in lines))
    assert logs[0] == logs[1]
