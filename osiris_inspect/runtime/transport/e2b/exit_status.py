"""How a process in a sandbox ended: seen by the stream, or by looking at the process itself."""

import signal
from typing import Any, Final

WATCH_SCRIPT: Final = (
    # looks at the process itself: a grandchild may hold its pipes open for ever. Field 52 of stat is the exit code.
    "p={pid}; [ -r /proc/$p/stat ] || {{ echo blind; exit; }}; while s=$(cat /proc/$p/stat 2>/dev/null); do set -- ${{s##*) }}; "
    '[ "$1" = Z ] && {{ shift 49; echo $1; exit; }}; sleep 0.1; done; echo gone'
)


def describe_exit(ended: Any) -> str:
    """How a process ended, from the SDK's words: ``signal: killed`` or an exit code."""
    text = str(ended.error or "")
    if text.startswith("signal: "):
        name = {"killed": "SIGKILL", "terminated": "SIGTERM", "segmentation fault": "SIGSEGV"}.get(
            text.removeprefix("signal: ").partition(" (")[0], text.removeprefix("signal: ")
        )
        return f"killed by {name}"
    code = ended.exit_code
    return f"killed by {signal.Signals(-code).name}" if code < 0 and code != -1 else f"exit code {code}"


def describe_wait_status(said: str) -> str:
    """How a process ended, from the status the system keeps of it."""
    if not said.isdigit():
        return "its process is gone"
    status = int(said)
    return f"killed by {signal.Signals(status & 127).name}" if status & 127 else f"exit code {status >> 8}"
