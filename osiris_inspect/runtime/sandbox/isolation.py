"""Isolation of a local worker: detection of the levels that work here, and their application.

``bwrap``: own file system and processes, and no network unless the pipeline needs it. ``landlock``: the
host's file system, closed except for what is granted. ``none``: a local process with the rights of its user.
"""

import os
import resource
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.sandbox import bubblewrap, landlock, seccomp
from osiris_inspect.runtime.sandbox.grants import ETC_NAMES, SYS_PATHS, SYSTEM_FOLDERS, SandboxPermissions

Level = Literal["bwrap", "landlock", "none"]
RequestedLevel = Literal["auto", "bwrap", "landlock", "none"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""Strongest first."""

_MAX_OPEN_FILES: Final = 4096
_PROC_PATHS: Final = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/filesystems")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/full")


@dataclass(frozen=True, slots=True)
class Isolation:
    """Chosen level, and the stronger levels that are unavailable with the reason of each."""

    level: Level
    unavailable: tuple[tuple[Level, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """Limits of a worker.

    Attributes:
        memory_bytes: private memory, without files that are mapped to read them; a driver that exceeds it gets a
            MemoryError. None: no limit, and the kernel kills the worker when memory runs out.
    """

    memory_bytes: int | None = None

    def apply(self) -> None:
        """Limit this process and its children."""
        _lower(
            resource.RLIMIT_CORE, 1
        )  # a core holds secrets; with 0, the kernel still passes it to a program
        _lower(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
        if self.memory_bytes is not None:
            _lower(resource.RLIMIT_DATA, self.memory_bytes)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (bound, bound))


def choose(requested: RequestedLevel) -> Isolation:
    """Return the level to use.

    Raises:
        SettingsError: the requested level is unavailable; the message states the reason.
    """
    unavailable: list[tuple[Level, str]] = []
    for level in LEVELS if requested == "auto" else (requested,):
        reason = unavailable_reason(level)
        if reason is None:
            return Isolation(level, tuple(unavailable))
        unavailable.append((level, reason))
    level, reason = unavailable[-1]
    reason, _, fix = reason.partition("; ")
    raise SettingsError(
        f"isolation {requested!r} is not available: {reason}",
        kind="isolation-unavailable",
        fix=f"{fix}, or use --isolation auto" if fix else "use --isolation auto",
        level=level,
        reason=reason,
    )


@cache
def unavailable_reason(level: Level) -> str | None:
    """Return the reason why a level does not work on this machine, found by trying it; None if it works."""
    checks = {"bwrap": bubblewrap.unavailable_reason, "landlock": _landlock_unavailable}
    return checks[level]() if level in checks else None


def _landlock_unavailable() -> str | None:
    if sys.platform != "linux":
        return "Landlock exists only on Linux"
    try:
        version = landlock.abi()
    except OSError as error:
        return error.strerror or str(error)
    if version < landlock.OLDEST_ABI:
        return f"the kernel has Landlock ABI {version}, and {landlock.OLDEST_ABI} is required"
    return None


def python_paths() -> tuple[Path, ...]:
    """Return the folders of the Python interpreter, its packages and this package."""
    folders = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(__file__).parents[2])}
    folders |= {path for name, path in sysconfig.get_paths().items() if name in ("purelib", "platlib")}
    return tuple(sorted(map(Path, folders)))


def restrict_self(permissions: SandboxPermissions) -> None:
    """Restrict this process with Landlock and, if there is one, the filter of system calls. It cannot be undone.

    Raises:
        OSError: the kernel refused.
    """
    names = (*SYSTEM_FOLDERS, *SYS_PATHS, *_PROC_PATHS, f"/proc/{os.getpid()}")
    visible, listable = _split_hidden(permissions)
    read = [*map(Path, names), *(Path("/etc") / name for name in ETC_NAMES), *visible, *permissions.live]
    devices = (*_DEVICES, "/dev/shm")  # noqa: S108  C libraries use it for semaphores
    write = [*map(Path, devices), *permissions.write]
    landlock.restrict(read, write, [*permissions.listable, *listable], network=permissions.network)
    if seccomp.unavailable_reason() is None:
        families = (seccomp.AF_INET, seccomp.AF_INET6) if permissions.network else ()
        seccomp.restrict_self((*families, seccomp.AF_UNIX) if permissions.sockets else families)


def _split_hidden(permissions: SandboxPermissions) -> tuple[list[Path], list[Path]]:
    """Return what can be read of ``read`` without what is hidden, and the folders that are split for it.

    Landlock has no exceptions: instead of a folder, all of its entries are granted that are not hidden. Symbolic
    links are left out, because a grant would apply to what they lead to.
    """
    hidden = {Path(os.path.realpath(path)) for path in permissions.hidden}
    folders = {folder for path in hidden for folder in path.parents}
    visible: list[Path] = []
    split: list[Path] = []
    remaining = [(path, Path(os.path.realpath(path))) for path in permissions.read]
    named = {end for _, end in remaining}
    while remaining:
        path, end = remaining.pop()
        if end not in folders:
            visible.append(path)
            continue
        split.append(path)
        entries = [(entry, end / entry.name) for entry in _entries(end) if not entry.is_symlink()]
        remaining += [each for each in entries if each[1] not in hidden and each[1] not in named]
    return visible, split


def _entries(folder: Path) -> list[Path]:
    try:
        return [*folder.iterdir()]
    except OSError:  # what cannot be read needs no grant
        return []
