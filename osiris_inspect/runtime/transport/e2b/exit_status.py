"""Exit status of a process in a sandbox, from the SDK's stream or from the process table."""

import signal
from typing import Any, Final

WATCH_SCRIPT: Final = (
    # reads /proc, because a grandchild may keep the pipes open; field 52 of stat is the exit status
    "p={pid}; [ -r /proc/$p/stat ] || {{ echo blind; exit; }}; while s=$(cat /proc/$p/stat 2>/dev/null); do set -- ${{s##*) }}; "
    '[ "$1" = Z ] && {{ shift 49; echo $1; exit; }}; sleep 0.1; done; echo gone'
)
_SIGNALS: Final = {"killed": "SIGKILL", "terminated": "SIGTERM", "segmentation fault": "SIGSEGV"}


def describe_exit(exit_error: Any) -> str:
    """Describe the end of a process from the SDK's error: a signal or an exit code."""
    text = str(exit_error.error or "")
    if text.startswith("signal: "):
        text = text.removeprefix("signal: ")
        return f"killed by {_SIGNALS.get(text.partition(' (')[0], text)}"
    code = exit_error.exit_code
    return f"killed by {signal.Signals(-code).name}" if code < 0 and code != -1 else f"exit code {code}"


def describe_wait_status(output: str) -> str:
    """Describe the end of a process from the wait status that ``WATCH_SCRIPT`` printed."""
    if not output.isdigit():
        return "its process is gone"
    status = int(output)
    return f"killed by {signal.Signals(status & 127).name}" if status & 127 else f"exit code {status >> 8}"
