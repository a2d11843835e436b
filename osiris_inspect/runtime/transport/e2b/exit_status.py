"""Exit status of a process in a sandbox, from the SDK's stream or from the process table."""

from typing import Any, Final

from osiris_inspect.runtime.transport.worker_exit import WorkerExit

WATCH_SCRIPT: Final = (
    # reads /proc, because a grandchild may keep the pipes open; field 52 of stat is the exit status
    "p={pid}; [ -r /proc/$p/stat ] || {{ echo blind; exit; }}; while s=$(cat /proc/$p/stat 2>/dev/null); do set -- ${{s##*) }}; "
    '[ "$1" = Z ] && {{ shift 49; echo $1; exit; }}; sleep 0.1; done; echo gone'
)
_SIGNALS: Final = {"killed": "SIGKILL", "terminated": "SIGTERM", "segmentation fault": "SIGSEGV"}


def exit_from_error(exit_error: Any) -> WorkerExit:
    """Return the end of a process from the SDK's error: a signal or an exit code."""
    text = str(exit_error.error or "")
    if text.startswith("signal: "):
        text = text.removeprefix("signal: ")
        return WorkerExit.by_signal(_SIGNALS.get(text.partition(" (")[0], text))
    code = exit_error.exit_code
    if code == -1:  # unknown
        return WorkerExit("exit code -1", facts={"exit_code": code})
    return WorkerExit.by_code(code)


def exit_from_wait_status(output: str) -> WorkerExit:
    """Return the end of a process from the wait status that ``WATCH_SCRIPT`` printed."""
    if not output.isdigit():
        return WorkerExit("its process is gone")
    status = int(output)
    return WorkerExit.by_code(-(status & 127) or status >> 8)
