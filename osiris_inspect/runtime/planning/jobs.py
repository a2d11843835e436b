"""Number of steps that run at the same time: ``--jobs N|auto``."""

import os
from typing import Final

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.files.memory_limit import current_limit

AUTO: Final = "auto"
MAX_JOBS: Final = 64
BYTES_PER_WORKER: Final = 1 << 30
"""Memory for which ``auto`` starts one worker."""


def parse_jobs(text: str, memory_bytes: int | None = None) -> int:
    """Return the number of ``--jobs``; ``auto`` is the number of cores, with at least 1 GiB of memory for each.

    ``memory_bytes`` is the limit of the run, if it has one.

    Raises:
        SettingsError: it is neither ``auto`` nor a number from 1 to ``MAX_JOBS``.
    """
    if text.strip().lower() == AUTO:
        memory = min(current_limit().bytes, memory_bytes or current_limit().bytes)
        return max(1, min(_cores(), memory // BYTES_PER_WORKER, MAX_JOBS))
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_JOBS))):
        raise _invalid(text)
    number = int(digits)
    if not 1 <= number <= MAX_JOBS:
        raise _invalid(text)
    return number


def _invalid(text: str) -> SettingsError:
    return SettingsError(
        f"invalid --jobs: {text[:60]!r}", fix=f"use a number from 1 to {MAX_JOBS}, or auto", option="--jobs"
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
