"""The command line as a shell sees it: real processes, their output and their exit codes."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Done:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


def osiris_inspect(*words: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
    """Run the command with these words, without a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "osiris_inspect", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def everything_below(folder: Path) -> dict[str, int]:
    """Each file below a folder, with its size."""
    return {
        str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()
    }
