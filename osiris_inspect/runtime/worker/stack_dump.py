"""Python stacks of the worker's threads, written to its log when the host asks, also while C code holds the GIL."""

import faulthandler
import signal
import sys
import threading
from typing import Final

DUMP_SIGNAL: Final = int(signal.SIGRTMIN) + 5 if sys.platform == "linux" else int(signal.SIGUSR1)
"""Signal with which the host asks for the stacks: one that programs do not use, as children of drivers inherit its mask."""
THREAD_HEADING: Final = "(most recent call first):"
"""End of the line before the stack of each thread; the main thread is the last one."""


def enable_stack_dump() -> None:
    """Write the stacks of all threads to stderr on ``DUMP_SIGNAL``.

    An idle thread receives the signal, so that it interrupts no system call of a driver.
    """
    faulthandler.register(DUMP_SIGNAL, file=2, all_threads=True)
    threading.Thread(target=threading.Event().wait, name="stack-dump", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {DUMP_SIGNAL})  # threads that drivers start inherit the mask


def main_thread_stack(text: str) -> str | None:
    """Return the stack of the main thread from the text of a dump, innermost frame first; None without one."""
    heading, _, stack = text.rpartition(THREAD_HEADING + "\n")
    frames = [line for line in stack.splitlines() if line.startswith("  File ")]
    return "\n".join(frames) if heading and frames else None
