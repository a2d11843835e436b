"""Other users of the machine, who read the table of processes and the folders of a run while it is going on."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from osiris_inspect.runtime.connections.connections import Connections
from tests.runtime.runs import NAMES, faulty, make_run

SECRET = "Zx9-known-to-one-user-81"
_ALL_USERS_PYTHON = shutil.which("python3", path="/usr/bin:/bin")
_SCAN = r"""
import json, os, sys, time
secret, folders = json.load(sys.stdin)
begin = time.time() - 300
found, read = [], 0
def look(path):
    global read
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        content = os.read(descriptor, 1 << 20)
    except OSError:
        return
    finally:
        os.close(descriptor)
    read += 1
    if secret.encode() in content:
        found.append(path)
for process in os.listdir("/proc"):
    if process.isdigit():
        for name in ("cmdline", "environ", "comm"):
            look(f"/proc/{process}/{name}")
for folder in folders:
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                is_new = os.lstat(f"{parent}/{name}").st_mtime > begin
            except OSError:
                continue
            if is_new:
                look(f"{parent}/{name}")
print(json.dumps([found, read]))
"""

pytestmark = [
    pytest.mark.usefixtures("nothing_left"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user"),
    pytest.mark.skipif(_ALL_USERS_PYTHON is None, reason="no Python for all users"),
]


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user can enter, with the temporary files and a file that every user can read."""
    before = os.umask(0)
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "open.txt").write_text(SECRET)
    (folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    os.umask(before)
    shutil.rmtree(folder)


def found_by_another_user(folder: Path) -> list[str]:
    assert _ALL_USERS_PYTHON is not None
    done = subprocess.run(
        [_ALL_USERS_PYTHON, "-I", "-c", _SCAN],
        input=json.dumps([SECRET, [str(folder), "/dev/shm"]]),
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={},
        user=65534,
        group=65534,
        extra_groups=[],
    )
    found, read = json.loads(done.stdout)
    assert read > 10
    return [str(path) for path in found]


@pytest.mark.parametrize("on", NAMES)
def test_another_user_finds_no_secret_during_a_run(on: str, open_folder: Path) -> None:
    seen: list[str] = []
    looks = 0

    def watch(event: object) -> None:
        nonlocal looks
        if getattr(event, "name", None) in ("step_start", "step_complete"):
            looks += 1
            seen.extend(found_by_another_user(open_folder))

    connections = Connections({"first": {"password": SECRET}}, (SECRET,))
    result = make_run(open_folder, on, text=faulty("nothing"), connections=connections, on_event=watch)

    assert looks >= 2
    assert set(seen) == {str(open_folder / "open.txt")}  # the scan finds what is open to all
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in result.path.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} <= {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} <= {0o600}
