"""State of a worker's process as the kernel reports it: stopped, in uninterruptible I/O, or running."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

StateName = Literal["stopped", "traced", "uninterruptible", "in-c-code", "unknown"]

_PROC: Final = Path("/proc")
_LAUNCHERS: Final = frozenset({"bwrap"})
"""Programs that start the worker as their child and wait for it."""
_SAMPLES: Final = 3
_SAMPLE_INTERVAL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class WorkerState:
    """Why a worker sends no heartbeats.

    Attributes:
        name: ``in-c-code``: no thread of Python can run, because C code holds the GIL.
        kernel: state of the process as in ``/proc/<pid>/status``; None if the process cannot be seen.
        pid: the process, as the host sees it.
    """

    name: StateName
    kernel: str | None = None
    pid: int | None = None

    @property
    def text(self) -> str:
        """The state in words."""
        return _TEXTS[self.name]


_TEXTS: Final[dict[StateName, str]] = {
    "stopped": "its process is stopped by a signal (SIGSTOP or Ctrl-Z)",
    "traced": "a debugger has stopped its process",
    "uninterruptible": "its process waits for a disk or a network file system and cannot be interrupted",
    "in-c-code": "code in C holds the GIL of its Python, so that no other thread can run",
    "unknown": "the state of its process is unknown",
}
UNKNOWN: Final = WorkerState("unknown")


def worker_pid(started: int) -> int:
    """Return the process of the worker, which may be a descendant of the process that was started."""
    pid = started
    while _command_name(pid) in _LAUNCHERS:
        children = _children(pid)
        if not children:
            break
        pid = children[0]
    return pid


def read_state(pid: int) -> WorkerState:
    """Return the state of a process without heartbeats."""
    kernel = _status(pid, "State")
    if kernel is None:
        return UNKNOWN
    if kernel[0] in "Tt":
        return WorkerState("stopped" if kernel[0] == "T" else "traced", kernel, pid)
    for _ in range(_SAMPLES):  # one sample can hit a short wait for the disk
        if not _has_uninterruptible_thread(pid):
            return WorkerState("in-c-code", kernel, pid)
        time.sleep(_SAMPLE_INTERVAL_S)
    return WorkerState("uninterruptible", kernel, pid)


def handles_signal(pid: int, number: int) -> bool:
    """Return True if a process has a handler of a signal, so that the signal does not end it."""
    mask = _status(pid, "SigCgt")
    return mask is not None and bool(int(mask, 16) >> (number - 1) & 1)


def _has_uninterruptible_thread(pid: int) -> bool:
    return any((_status(pid, "State", thread) or "").startswith("D") for thread in _threads(pid))


def _threads(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in (_PROC / str(pid) / "task").iterdir()]
    except OSError:
        return []


def _status(pid: int, field: str, thread: int | None = None) -> str | None:
    """Return a field of the status of a process or of one of its threads; None if it has ended."""
    path = _PROC / str(pid) if thread is None else _PROC / str(pid) / "task" / str(thread)
    with suppress(OSError):
        for line in (path / "status").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name == field:
                return value.strip()
    return None


def _command_name(pid: int) -> str | None:
    return _status(pid, "Name")


def _children(pid: int) -> list[int]:
    """Return the children of a process, the oldest first."""
    processes = sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [each for each in processes if _status(each, "PPid") == str(pid)]
