"""The command line in forked children of a process that has imported everything, which takes milliseconds.

A request is a line of JSON on stdin, ``asdict`` of a ``Call``; the answer is a line of JSON, ``asdict`` of a ``Done``.
"""

import ctypes
import importlib
import json
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.cli.shell import Done

MAX_WAIT_S = 60
_NEW_MOUNTS = 0x20000
_CAPABILITY_VERSION_3 = 0x20080522
_OVERRIDE_MODES = 1 << 1 | 1 << 2
_LIBRARIES = (
    "duckdb",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.compute",
    "yaml",
    "typer.main",
    "pymysql",
    "psycopg",
)


@dataclass(frozen=True)
class Call:
    """Command line, and what differs from the process of the test.

    Attributes:
        folder: working directory.
        env: variables; an empty one is not set.
        has_rights_of_root: False makes root obey the modes of files.
        max_file_bytes: limit of the size of files.
        small_disk: folder that becomes a disk of 64 kB.
        hidden: module that cannot be imported.
        signal_at: step at whose start a signal is sent.
        signal_number: the signal; SIGKILL ends the worker process, others are sent to the program.
    """

    words: Sequence[str]
    folder: str
    env: Mapping[str, str] = field(default_factory=dict)
    has_rights_of_root: bool = True
    max_file_bytes: int | None = None
    small_disk: str | None = None
    hidden: str | None = None
    signal_at: str | None = None
    signal_number: int = 0


class Program:
    """A running process that answers calls."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def call(self, call: Call) -> Done:
        """Call the command line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(call)) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))


@contextmanager
def start() -> Iterator[Program]:
    """Start the process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.first_hour.program"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        yield Program(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def _change_process(call: Call) -> None:
    os.chdir(call.folder)
    os.environ.update(call.env)
    for name, value in call.env.items():
        if not value:
            del os.environ[name]
    if call.hidden is not None:
        for name in [name for name in sys.modules if name.partition(".")[0] == call.hidden]:
            sys.modules[name] = None  # type: ignore[assignment]  # Python's mark of a module that cannot be imported
    if call.small_disk is not None:
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.unshare(_NEW_MOUNTS) == 0, os.strerror(ctypes.get_errno())
        assert libc.mount(b"none", b"/", None, 0x44000, None) == 0, os.strerror(ctypes.get_errno())
        target = call.small_disk.encode()
        assert libc.mount(b"tmpfs", target, b"tmpfs", 0, b"size=64k") == 0, os.strerror(ctypes.get_errno())
    if call.max_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (call.max_file_bytes, call.max_file_bytes))
    if not call.has_rights_of_root:
        _obey_modes()


def _obey_modes() -> None:
    """Drop the capabilities of root that override the modes of files, which keeps Python readable."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, sets) == 0, os.strerror(ctypes.get_errno())
    sets[0] &= ~_OVERRIDE_MODES  # the effective ones
    assert libc.capset(header, sets) == 0, os.strerror(ctypes.get_errno())


def _run(call: Call, outputs: Sequence[int]) -> int:
    from osiris_inspect.cli import main

    for descriptor, output in zip((1, 2), outputs, strict=True):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    _change_process(call)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.alarm(MAX_WAIT_S)
    sys.argv = ["osiris-inspect", *call.words]
    try:
        main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        return end.code if isinstance(end.code, int) else 0


def _answer(call: Call) -> Done:
    outputs = [os.memfd_create("output") for _ in range(2)]
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = _run(call, outputs)
        finally:
            os._exit(code)
    if call.signal_at is not None:
        _send_signal(call, child)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    texts = []
    for output in outputs:
        os.lseek(output, 0, os.SEEK_SET)
        with os.fdopen(output, encoding="utf-8") as file:
            texts.append(file.read())
    return Done(code, *texts)


def _send_signal(call: Call, child: int) -> None:
    until = time.monotonic() + MAX_WAIT_S
    while call.signal_at not in _started_steps(Path(call.folder)):
        has_ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if has_ended or time.monotonic() > until:
            return  # the output tells why
        time.sleep(0.02)
    target = _worker_below(child) if call.signal_number == signal.SIGKILL else child
    os.kill(target, call.signal_number)


def _started_steps(folder: Path) -> set[str]:
    lines = [
        line
        for log in folder.glob("logs/run_*/events.jsonl")
        for line in log.read_text().splitlines(keepends=True)
    ]
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    return {str(event.get("step_id")) for event in events if event["event"] == "step_start"}


def _worker_below(parent: int) -> int:
    """Return the process of the worker of a process."""
    tasks = Path(f"/proc/{parent}/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return next(
        int(pid)
        for pid in children
        if b"osiris_inspect.runtime.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )


def main() -> None:
    """Answer requests until stdin ends."""
    import osiris_inspect

    answers = os.fdopen(os.dup(1), "w")
    for module in pkgutil.walk_packages(osiris_inspect.__path__, "osiris_inspect."):
        if not module.name.endswith("__main__") and ".tui" not in module.name:
            importlib.import_module(module.name)
    for library in _LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        answers.write(json.dumps(asdict(_answer(Call(**json.loads(line))))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
