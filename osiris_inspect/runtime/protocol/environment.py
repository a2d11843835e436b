"""The worker's context (run directory, clock, isolation level) and a snapshot of its environment."""

import locale
import os
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from osiris_inspect.runtime.files.memory_limit import MemoryLimit, current_limit
from osiris_inspect.runtime.protocol.cancellation import CancelToken

_PACKAGES = ("osiris-inspect", "pandas", "pyarrow", "duckdb", "numpy", "orjson")


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Context of a worker.

    Attributes:
        run_dir: the run directory as the worker sees it.
        isolation: ``none``, ``landlock``, ``bwrap`` or ``e2b``.
        clock: returns seconds since 1970.
        env_names: the names, never the values, of the environment variables.
        cancel: cancels the step that is running.
        install_missing: True if missing modules are installed.
        memory: memory that the worker may use.
        nonce: identifies the run; every line of the worker starts with it.
    """

    run_dir: Path
    isolation: str
    clock: Callable[[], float]
    env_names: tuple[str, ...] = ()
    cancel: CancelToken = field(default_factory=CancelToken)
    install_missing: bool = False
    memory: MemoryLimit = field(default_factory=current_limit)
    nonce: str = ""


def environment_snapshot(context: WorkerContext) -> dict[str, Any]:
    """Return Python and package versions, limits, time zone and locale, to compare two runs by."""
    return {
        "python": platform.python_version(),
        "os": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "disk_free_bytes": shutil.disk_usage(context.run_dir).free,
        "timezone": time.tzname[0],
        "locale": locale.setlocale(locale.LC_CTYPE),
        "isolation": context.isolation,
        "variables": list(context.env_names),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
