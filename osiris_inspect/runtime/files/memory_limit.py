"""Memory that this process may use: a limit of the process, that of its cgroup, or the memory of the machine.

Also the parser of sizes such as ``2GB``, ``512 MiB`` or ``1073741824``.
"""

import errno
import os
import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

from osiris_inspect.model.errors import DriverError, SettingsError

Source = Literal["--memory-limit", "memory of the step", "ulimit -v", "cgroup", "machine"]

_CGROUPS: Final = Path("/sys/fs/cgroup")
_MEMBERSHIP: Final = Path("/proc/self/cgroup")
_STATM: Final = Path("/proc/self/statm")
_UNLIMITED: Final = 1 << 60
"""Bytes from which a cgroup has no limit: version 1 writes the largest number instead."""
_STREAM_FRACTION: Final = 8
_FIELDS: Final = {"--memory-limit": 5, "memory of the step": 5, "ulimit -v": 0}
"""Field of ``statm`` that a limit counts: data, or address space; the others count the resident memory."""

_PREFIXES: Final = "KMGT"
_UNITS: Final = {
    "": 1,
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(_PREFIXES, 1)},
    **{f"{prefix}IB": 1024**power for power, prefix in enumerate(_PREFIXES, 1)},
}
MIN_MEMORY_BYTES: Final = 768 * 2**20
"""Bytes of memory that a worker needs to start and to run SQL."""
MAX_BYTES: Final = 2**63 - 1
_SIZE: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class MemoryLimit:
    """Memory that a process may use.

    Attributes:
        bytes: the limit.
        source: what sets it. Above the memory of the machine there is no error, only swapping.
    """

    bytes: int
    source: Source

    @property
    def is_set(self) -> bool:
        """True if a person or a scheduler has set the limit."""
        return self.source != "machine"

    def used_bytes(self) -> int:
        """Return the bytes in use as the limit counts them; 0 if the system does not report them."""
        try:
            numbers = _STATM.read_bytes().split()
        except OSError:
            return 0
        return int(numbers[_FIELDS.get(self.source, 1)]) * _page_bytes()

    def free_bytes(self) -> int:
        """Return the bytes that the process may still use."""
        return max(0, self.bytes - self.used_bytes())

    @property
    def text(self) -> str:
        """The limit as text: ``1.0 GB (--memory-limit)``."""
        return f"{size_text(self.bytes)} ({self.source})"

    def usage_text(self) -> str:
        """Return the limit and what was used of it, for messages."""
        return f"the limit is {self.text}, and the process used up to {size_text(peak_bytes())}"

    def facts(self) -> dict[str, Any]:
        """Return the facts of an error."""
        return {"limit": self.source, "limit_bytes": self.bytes, "peak_bytes": peak_bytes()}

    @property
    def fix(self) -> str:
        """The remedy if it does not suffice."""
        return _FIXES[self.source]


_FIXES: Final[dict[Source, str]] = {
    "--memory-limit": "raise --memory-limit",
    "memory of the step": "raise the memory of the step",
    "ulimit -v": "raise ulimit -v",
    "cgroup": "raise the memory limit of the container",
    "machine": "use a machine with more memory",
}


def current_limit(cgroup_bytes: int | None = None) -> MemoryLimit:
    """Return the smallest limit; ``cgroup_bytes`` is that of the cgroup where this process cannot see it."""
    limits = [MemoryLimit(os.sysconf("SC_PHYS_PAGES") * _page_bytes(), "machine")]
    cgroup = min((size for size in (cgroup_bytes, cgroup_limit()) if size is not None), default=None)
    if cgroup is not None:
        limits.append(MemoryLimit(cgroup, "cgroup"))
    for name, source in _RESOURCES.items():
        soft, _ = resource.getrlimit(name)
        if soft != resource.RLIM_INFINITY:
            limits.append(MemoryLimit(soft, source))
    return min(limits, key=lambda limit: limit.bytes)


_RESOURCES: Final[dict[int, Source]] = {
    resource.RLIMIT_DATA: "--memory-limit",
    resource.RLIMIT_AS: "ulimit -v",
}


def name_limit_of_step() -> None:
    """Name the limit of this process after its step from now on: the process is the worker of that step only."""
    _RESOURCES[resource.RLIMIT_DATA] = "memory of the step"


def cgroup_limit(membership: Path = _MEMBERSHIP, root: Path = _CGROUPS) -> int | None:
    """Return the smallest memory limit of the cgroup of this process and of those above it; None without one."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    sizes = [size for line in lines for file in _limit_files(line, root) if (size := _read_size(file))]
    return min(sizes, default=None)


def _limit_files(line: str, root: Path) -> Iterator[Path]:
    """Yield the files with the limits of a line ``number:controllers:path``, for version 2 or 1."""
    _, controllers, path = line.split(":", 2)
    if controllers and "memory" not in controllers.split(","):
        return
    folder, name = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
    # a container sees its own cgroup as the root, at a path that is that of the host
    below = PurePosixPath(path.lstrip("/"))
    yield from (folder / part / name for part in (below, *below.parents))


def _read_size(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < _UNLIMITED else None


def stream_threshold(limit: MemoryLimit) -> int:
    """Return the bytes above which a frame that arrives in parts is not collected in memory."""
    return limit.bytes // _STREAM_FRACTION


def size_text(size: int) -> str:
    """Return bytes as text: ``1.0 GB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1_000_000_000 else f"{size / 1e6:.0f} MB"


def memory_error(
    action: str, error: BaseException, limit: MemoryLimit | None = None, **facts: Any
) -> DriverError:
    """Return the error for an action that needed more memory than there was."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    limit = limit or current_limit()
    return DriverError(
        f"out of memory: {action} needs more than is available: {reason}; {limit.usage_text()}",
        kind="out-of-memory",
        fix=f"{limit.fix}, or read fewer columns or rows",
        **limit.facts(),
        **facts,
    )


def is_memory_error(error: BaseException) -> bool:
    """Return True if memory did not suffice; Arrow and the system report it in several ways."""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


def peak_bytes() -> int:
    """Return the most memory that this process has used."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _page_bytes() -> int:
    return int(os.sysconf("SC_PAGE_SIZE"))


def parse_bytes(text: str, option: str) -> int:
    """Return the number of bytes that ``text`` denotes; ``option`` names the setting in the error.

    Raises:
        SettingsError: ``text`` is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].upper() not in _UNITS:
        raise SettingsError(
            f"invalid {option}: {text!r} is not a size",
            fix="use bytes, or a size such as 500MB, 2GB or 1.5GiB",
            option=option,
            value=text,
        )
    return int(Decimal(match[1]) * _UNITS[match[2].upper()])
