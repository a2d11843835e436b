"""Attacks of drivers on the host: each fails, or the table of the README says that its level does not cover it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from osiris_inspect.runtime.sandbox import landlock, seccomp
from tests.runtime.attacks.attacks import ATTACKS
from tests.runtime.attacks.scene import AFTER, REPO
from tests.runtime.runs import ENVIRONMENT, absent, needs

LEVELS: Mapping[str, tuple[str, str]] = {
    "bubblewrap": ("bubblewrap", "bwrap"),
    "bubblewrap as a user": ("bubblewrap", "bwrap"),
    "Landlock": ("Landlock", "landlock"),
    "Landlock as a user": ("Landlock", "landlock"),
    "process": ("process", "none"),
}
"""Name of each level to its column in the README's table and to its option."""
ROWS = {name: row for name, (row, _) in ATTACKS.items()} | dict(AFTER)
_USER = 65534
_CASES = [(level, name) for level in LEVELS for name in ROWS]


def _table() -> Mapping[str, Mapping[str, str]]:
    """Return the cells of the README's table by row and column."""
    section = (REPO / "README.md").read_text().split("### What the sandbox protects\n")[1].split("\n#")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    header, *rows = lines
    return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}


TABLE = _table()


@pytest.fixture(scope="module")
def attacked() -> Iterator[Callable[[str], dict[str, Any]]]:
    """Run the attacks on a level once, and return their results."""
    done: dict[str, dict[str, Any]] = {}
    folders: list[Path] = []

    def attack(level: str) -> dict[str, Any]:
        _, option = LEVELS[level]
        needs(option)
        if option == "landlock" and landlock.abi() < landlock.SCOPE_ABI:
            absent(f"the kernel has Landlock ABI {landlock.abi()}, and the table is for {landlock.SCOPE_ABI}")
        if option != "none" and seccomp.unavailable_reason() is not None:
            absent(f"the kernel's filter is not for this machine: {seccomp.unavailable_reason()}")
        if level not in done:
            folder = Path(tempfile.mkdtemp(prefix="attacked-"))
            folders.append(folder)
            done[level] = _run(folder, option, as_user=level.endswith("user"))
        return done[level]

    yield attack
    for folder in folders:
        shutil.rmtree(folder)


def _run(folder: Path, option: str, *, as_user: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.runtime.attacks.scene", str(folder), option]
    if as_user and os.geteuid() == 0:
        os.chown(folder, _USER, _USER)
        command = _command_of_user(command)
    completed = subprocess.run(
        command,
        cwd=REPO,
        env={**ENVIRONMENT, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    results: dict[str, Any] = orjson.loads((folder / "results.json").read_bytes())
    return results


def _command_of_user(command: list[str]) -> list[str]:
    """Return a command that runs another one as an unprivileged user, who can read the interpreter."""
    interpreter = Path(sys.executable).resolve()
    closed = next((path for path in reversed(interpreter.parents) if not path.stat().st_mode & 1), None)
    setpriv = ["setpriv", "--reuid", str(_USER), "--regid", str(_USER), "--clear-groups", *command]
    if closed is None:
        return setpriv
    if closed in REPO.parents:
        absent(f"other users cannot read {REPO}")
    opened = closed / interpreter.relative_to(closed).parts[0]
    script = (
        'keep=$(mktemp -d) && mount --bind "$1" "$keep" && mount -t tmpfs -o mode=755 tmpfs "$2" && mkdir "$1"'
        ' && mount --bind "$keep" "$1" && umount "$keep" && rmdir "$keep" && shift 2 && exec "$@"'
    )
    return ["unshare", "-m", "sh", "-c", script, "sh", str(opened), str(closed), *setpriv]


def test_table_and_attacks_name_the_same_rows() -> None:
    assert set(TABLE) == set(ROWS.values())
    assert {column for row in TABLE.values() for column in row} == {"bubblewrap", "Landlock", "process"}
    assert {cell for row in TABLE.values() for cell in row.values()} == {"closed", "open"}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("level", "name"), _CASES, ids=[f"{level}-{name}" for level, name in _CASES])
def test_attack_fails_unless_table_says_open(
    attacked: Callable[[str], dict[str, Any]], level: str, name: str
) -> None:
    column, _ = LEVELS[level]
    succeeded = attacked(level)["attacks"][name]
    assert not succeeded or TABLE[ROWS[name]][column] == "open"


@pytest.mark.parametrize("level", ["bubblewrap", "Landlock", "process"])
def test_table_says_open_only_where_attack_succeeds(
    attacked: Callable[[str], dict[str, Any]], level: str
) -> None:
    results = attacked(level)
    if results["uid"] != 0:
        pytest.skip("some attacks need root outside of a sandbox")
    succeeded = {ROWS[name] for name, result in results["attacks"].items() if result}
    assert {row for row, cells in TABLE.items() if cells[level] == "open"} <= succeeded


def test_attack_as_user_is_unprivileged(attacked: Callable[[str], dict[str, Any]]) -> None:
    assert attacked("bubblewrap as a user")["uid"] != 0


@pytest.mark.parametrize("level", ["bubblewrap", "Landlock", "process"])
def test_every_attack_is_carried_out(attacked: Callable[[str], dict[str, Any]], level: str) -> None:
    results = attacked(level)
    assert set(results["attacks"]) == set(ROWS)
    assert results["own_secret_found"]  # so that a search which finds no other secret means something
    # what the writers leave in place of their file fails their step; the run ends, and says so
    expected = None if level == "process" else "step 'leave_link' failed"
    assert results["reason"] == expected
