"""Opens hostile files with the command line in a process of its own, and checks what it left in the folders around them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAX_KB = 200_000
MAX_SECONDS = 20
_ROOT = Path(__file__).parents[2]
_TIMEOUT_S = 900


def open_all(folder: Path, module: str, files: Iterable[tuple[str, bytes]]) -> dict[str, dict[str, Any]]:
    """Return what a module of this folder wrote about each file; nothing may change outside of them."""
    for name in ("opened", "temporary", "cache"):
        (folder / name).mkdir()
    for name, content in files:
        (folder / "opened" / name).write_bytes(content)
    before = _below(folder)
    env = {
        "TMPDIR": str(folder / "temporary"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(_ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", f"tests.security.{module}"],
        cwd=folder / "opened",
        env={**os.environ, **env},
        capture_output=True,
        check=True,
        timeout=_TIMEOUT_S,
    )
    after = _below(folder)
    assert after == before, set(after) ^ set(before)
    assert not Path("/tmp/evil").exists()
    outcome: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return outcome


def _below(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.lstat().st_mtime_ns if path.is_file() else 0
        for path in folder.rglob("*")
        if path.is_file() or path.is_dir()
    }
