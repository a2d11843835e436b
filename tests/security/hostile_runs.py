"""Hostile run directories: each file of a run in turn replaced by something that a stranger may put in its place."""

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.inspector.making import CHAIN, local, run_dir

CANARY = "CANARY-7f3a91"
"""Text of the files outside of the runs; no output may contain it."""
STEP = "extract"
FILES = (
    "events.jsonl",
    "metrics.jsonl",
    "status.json",
    "manifest.yaml",
    "compiled/manifest.yaml",
    "commands.jsonl",
    "worker.log",
    "osiris.log",
    "debug.log",
    f"cfg/{STEP}.json",
    "artifacts/_system/run_card.json",
    f"artifacts/{STEP}/output.parquet",
    f"artifacts/{STEP}/schema.json",
    f"artifacts/{STEP}/cleaned_config.json",
    f"artifacts/{STEP}/failed_checks.json",
    f"artifacts/{STEP}/rejected_rows.csv",
)
FOLDERS = ("artifacts", "artifacts/_system", f"artifacts/{STEP}", "cfg", "compiled")
_SPARSE_BYTES = 1 << 30
_DEPTH = 100_000


def make_run(folder: Path) -> Path:
    """Return a failed run with every file that the inspector reads."""
    import pyarrow as pa
    from pyarrow import parquet

    events = [
        local("adapter_selected", adapter="local"),
        local("step_start", 1, step_id=STEP, driver="mysql.extractor"),
        local("step_complete", 2, step_id=STEP, driver="mysql.extractor", duration=1.0),
        *(
            local("artifact_created", 2, step_id=STEP, path=file, artifact_type="file")
            for file in FILES
            if "artifacts/" in file
        ),
        local("step_start", 3, step_id="stats", driver="duckdb.processor"),
        local("step_error", 4, step_id="stats", driver="duckdb.processor", error="boom"),
        local("run_error", 5, phase="execute", error="boom"),
        local("run_end", 6, duration_seconds=6.0),
    ]
    documents = {file: {"a": 1, "path": "x"} for file in FILES if file.endswith(".json")}
    texts = {file: "2026-01-01 00:00:01 - x - ERROR - boom\n" for file in FILES if file.endswith(".log")}
    files = {
        **documents,
        **texts,
        "status.json": {"ok": False, "reason": "boom", "exit_code": 1},
        f"artifacts/{STEP}/schema.json": {"dtypes": {"n": "int64"}, "row_count": 3},
        f"artifacts/{STEP}/rejected_rows.csv": "line,reason,text\n1,x,y\n",
        "commands.jsonl": '{"cmd": "prepare"}\n',
        "compiled/manifest.yaml": "name: demo\nsteps: []\n",
    }
    metrics = [{"ts": "2026-01-01T00:00:02+00:00", "session": "s", "metric": "rows_read", "value": 3, "tags": {"step": STEP}}]  # fmt: skip
    run = run_dir(folder, events, metrics=metrics, steps=CHAIN, files=files)
    parquet.write_table(pa.table({"n": [1, 2, 3]}), run / f"artifacts/{STEP}/output.parquet")
    return run


@dataclass(frozen=True)
class Attack:
    """Replacement of a file or a folder.

    Attributes:
        is_named: True if the summary must name a file of the log that is attacked so.
    """

    name: str
    apply: Callable[[Path, Path], None]
    is_named: bool = False


def _fifo(path: Path, _outside: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, _outside: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")  # a long path does not fit into an address
    os.close(folder)


def _device(path: Path, _outside: Path) -> None:
    path.symlink_to("/dev/zero")


def _terminal(path: Path, _outside: Path) -> None:
    path.symlink_to("/dev/stdin")


def _link_out(path: Path, outside: Path) -> None:
    path.symlink_to(outside / (f"canary{path.suffix}" if path.suffix else "folder"))


def _relative_link_out(path: Path, outside: Path) -> None:
    path.symlink_to(os.path.relpath(outside / f"canary{path.suffix}", path.parent))


def _dangling(path: Path, _outside: Path) -> None:
    path.symlink_to("nowhere")


def _loop(path: Path, _outside: Path) -> None:
    path.symlink_to(path.name)


def _proc(path: Path, _outside: Path) -> None:
    path.symlink_to("/proc/self/environ")


def _hard_link(path: Path, outside: Path) -> None:
    os.link(outside / "linked", path)


def _directory(path: Path, _outside: Path) -> None:
    path.mkdir()


def _no_permission(path: Path, _outside: Path) -> None:
    path.write_bytes(b"{}")
    path.chmod(0)


def _sparse(path: Path, _outside: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(_SPARSE_BYTES)


def _long_line(path: Path, _outside: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b'{"event": "')
        stream.truncate(_SPARSE_BYTES)
        stream.seek(_SPARSE_BYTES)
        stream.write(b'"}\n')


def _content(content: bytes) -> Callable[[Path, Path], None]:
    return lambda path, _outside: path.write_bytes(content) and None


def _file(path: Path, _outside: Path) -> None:
    path.write_text("a file in the place of a folder")


def _cut(path: Path, _outside: Path) -> None:
    """Cut the original, which is beside the file."""
    content = path.with_name("original").read_bytes()
    path.write_bytes(content[: len(content) // 2])


PLACES = (
    Attack("fifo", _fifo, is_named=True),
    Attack("socket", _socket, is_named=True),
    Attack("device", _device, is_named=True),
    Attack("terminal", _terminal, is_named=True),
    Attack("link-out", _link_out, is_named=True),
    Attack("link-loop", _loop, is_named=True),
    Attack("dangling-link", _dangling),
    Attack("no-permission", _no_permission),
)
CONTENTS = (
    Attack("relative-link-out", _relative_link_out, is_named=True),
    Attack("link-to-environment", _proc, is_named=True),
    Attack("directory", _directory, is_named=True),
    Attack("hard-link", _hard_link),
    Attack("sparse-1-gb", _sparse),
    Attack("line-of-1-gb", _long_line),
    Attack("deep-json", _content(b'{"event": "step_failed", "a": ' + b"[" * _DEPTH + b"]" * _DEPTH + b"}\n")),
    Attack("deep-objects", _content(b'{"event":' * 3_000 + b"1" + b"}" * 3_000 + b"\n")),
    Attack("nul", _content(b"\0" * 4096)),
    Attack("invalid-utf-8", _content(b'{"event": "run_end\xff\xfe\xc0"}\n')),
    Attack("utf-16", _content('{"event": "run_end"}\n'.encode("utf-16"))),
    Attack("empty", _content(b"")),
    Attack("list", _content(b"[1, 2, 3]\n")),
    Attack("number-of-100-kb", _content(b'{"event": "run_end", "n": ' + b"9" * 100_000 + b"}\n")),
    Attack("escapes", _content(b'{"event": "\x1b]52;c;AAAA\x07", "reason": "\\u001b[2J\\u202e"}\n')),
    Attack("random", _content(bytes(number * 167 % 251 for number in range(8192)))),
    Attack("cut", _cut),
)


@dataclass(frozen=True)
class HostileRun:
    """A run in which one file or folder is attacked."""

    target: str
    attack: Attack

    @property
    def id(self) -> str:
        """The name of the case."""
        return f"{self.target}-{self.attack.name}"

    def make(self, original: Path, folder: Path) -> Path:
        """Create the run in a folder, and the files outside of it that it leads to."""
        outside = folder / "outside"
        (outside / "folder").mkdir(parents=True)
        (outside / "linked").write_text("{}")
        for suffix in (".json", ".jsonl", ".yaml", ".log", ".csv", ".parquet"):
            (outside / f"canary{suffix}").write_text(_canary(suffix))
            (outside / "folder" / f"run_card{suffix}").write_text(_canary(suffix))
        run = folder / "logs" / original.name
        shutil.copytree(original, run)
        path = run / self.target
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.rename(path.with_name("original"))
        self.attack.apply(path, outside)
        return run


def _canary(suffix: str) -> str:
    if suffix == ".jsonl":
        event = local("step_error", 4, step_id=CANARY, driver="duckdb.processor", error=CANARY)
        return json.dumps(event) + "\n"
    if suffix == ".log":
        return f"2026-01-01 00:00:01 - x - ERROR - {CANARY}\n"
    return json.dumps(
        {"name": CANARY, "reason": CANARY, "status": CANARY, "steps": [], "dtypes": {CANARY: CANARY}}
    )


def hostile_runs() -> Iterator[HostileRun]:
    """Yield every attack on every file, and those that fit on every folder."""
    for target in FILES:
        yield from (HostileRun(target, attack) for attack in (*PLACES, *CONTENTS))
    for target in FOLDERS:
        yield from (HostileRun(target, attack) for attack in (*PLACES, Attack("file", _file)))
