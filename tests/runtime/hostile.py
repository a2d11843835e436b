"""A driver that runs the code of an attack, and helpers for attacks on a host from inside a remote sandbox."""

import hashlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

FRAME = pd.DataFrame({"n": [1, 2, 3]})


class Hostile:
    """Executes ``code`` in the worker, then returns a small frame."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        exec(config["code"], {"ctx": ctx, "run": ctx.artifacts.parents[1], **globals()})
        return {"df": FRAME}


def plant(path: str, data: bytes | str, folder: Path | None = None, **changed: Any) -> dict[str, Any]:
    """Write a file, in the base folder by default; return its true entry of a listing, with changes."""
    content = data.encode() if isinstance(data, str) else data
    file = (folder or Path()) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    entry = {"path": path, "bytes": len(content), "sha256": digest, "is_output": folder is None}
    return entry | changed


def entry(path: str, *, is_output: bool = True, size: int = 3, **changed: Any) -> dict[str, Any]:
    """Return an entry of a listing without a file."""
    return {"path": path, "bytes": size, "sha256": "0" * 64, "is_output": is_output} | changed


def lie(*lines: Any, instead: bool = False) -> None:
    """Let every later command of the sandbox print these lines first, or ``instead`` of its own output.

    E2B runs commands in a login shell, which reads a file that the driver can write. The request is read first:
    otherwise sending it may fail, which loses the listing too, but in other words.
    """
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    lies = Path.home() / "lies"
    lies.write_text(text)
    profile = f"cat {shlex.quote(str(lies))}\n" + ("read -r request\nexit 0\n" if instead else "")
    (Path.home() / ".bash_profile").write_text(profile)
