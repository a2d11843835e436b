"""Calls the command line many times: one process loads it, and a forked child makes each call.

``python -m tests.cli.all_commands`` reads the calls as JSON from stdin and prints what they wrote as JSON.
"""

import base64
import json
import os
import pty
import select
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Call:
    """A command line; on a terminal stdout and stderr are one pseudo-terminal, else two pipes."""

    words: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    is_terminal: bool = False
    stdin: str = ""


@dataclass(frozen=True)
class Written:
    """Outcome of a call."""

    code: int
    out: bytes
    err: bytes


def call_all(calls: Sequence[Call], cwd: Path, env: Mapping[str, str]) -> list[Written]:
    """Make the calls, one after the other."""
    texts = [{**vars(call), "words": list(call.words), "env": dict(call.env)} for call in calls]
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.all_commands", str(cwd)],
        input=json.dumps(texts).encode(),
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **env},
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [
        Written(code, base64.b64decode(out), base64.b64decode(err))
        for code, out, err in json.loads(done.stdout)
    ]


def _call(call: Mapping[str, Any]) -> tuple[int, str, str]:
    given, stdin = os.pipe()
    readers, writers = zip(*([pty.openpty()] if call["is_terminal"] else [os.pipe(), os.pipe()]), strict=True)
    child = os.fork()
    if child == 0:
        os.dup2(given, 0)
        os.dup2(writers[0], 1)
        os.dup2(writers[-1], 2)
        for descriptor in (given, stdin, *readers, *writers):
            os.close(descriptor)
        os.environ.update(call["env"])
        sys.argv = ["osiris-inspect", *(os.fsdecode(os.fsencode(word)) for word in call["words"])]
        from osiris_inspect.cli import main

        code = 99
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001  the child must not return
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.write(stdin, call["stdin"].encode("utf-8", "surrogatepass"))
    for descriptor in (given, stdin, *writers):
        os.close(descriptor)
    written = _read_all(readers)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    out, err = (base64.b64encode(written[reader]).decode() for reader in (readers[0], readers[-1]))
    return code, out, err


def _read_all(readers: Sequence[int]) -> dict[int, bytes]:
    written = dict.fromkeys(readers, b"")
    waiting = set(readers)
    while waiting:
        for reader in select.select(waiting, [], [])[0]:
            try:
                part = os.read(reader, 1 << 16)
            except OSError:  # the other end of a pseudo-terminal is closed
                part = b""
            written[reader] += part
            if not part:
                waiting.discard(reader)
                os.close(reader)
    return written


if __name__ == "__main__":
    from osiris_inspect.inspector.diagnosis.engine import builtin_rules

    builtin_rules()
    os.chdir(sys.argv[1])
    print(json.dumps([_call(call) for call in json.load(sys.stdin)]))
