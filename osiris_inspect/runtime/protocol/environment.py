"""What a side of a run stands in: its folder, its clock, how far it is kept apart, and what it is made of."""

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

from osiris_inspect.runtime.protocol.cancellation import CancelToken

_PACKAGES = ("osiris-inspect", "pandas", "pyarrow", "duckdb", "numpy", "orjson")


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Handed to a worker when it is made.

    Attributes:
        session: the run directory as this side sees it.
        isolation: ``none``, ``landlock``, ``bwrap``, ``e2b``
        clock: seconds since 1970.
        variables: the names, never the values, of the environment variables this side has.
        stop: asks the step at work to stop.
        install: whether modules that are missing are installed.
    """

    run_dir: Path
    isolation: str
    clock: Callable[[], float]
    env_names: tuple[str, ...] = ()
    cancel: CancelToken = field(default_factory=CancelToken)
    install_missing: bool = False


def environment_snapshot(here: WorkerContext) -> dict[str, Any]:
    """What two runs are compared by when one works and the other does not: Python, packages, limits, time zone."""
    return {
        "python": platform.python_version(),
        "os": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "disk_free_bytes": shutil.disk_usage(here.run_dir).free,
        "timezone": time.tzname[0],
        "locale": locale.setlocale(locale.LC_CTYPE),
        "isolation": here.isolation,
        "variables": list(here.env_names),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
