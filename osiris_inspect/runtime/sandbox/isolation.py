"""Isolation of a local worker: detection of the levels that work here, and their application.

``bwrap``: own file system and processes, and no network unless the pipeline needs it. ``landlock``: the
host's file system, closed except for what is granted. ``none``: a local process with the rights of its user.
"""

import os
import resource
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.files.symlinks import follow_links
from osiris_inspect.runtime.sandbox import landlock

Level = Literal["bwrap", "landlock", "none"]
RequestedLevel = Literal["auto", "bwrap", "landlock", "none"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""Strongest first."""

MIN_MEMORY_BYTES: Final = 768 * 2**20
"""Bytes of memory that a worker needs to start and to run SQL."""
_MAX_OPEN_FILES: Final = 4096
_PROBE_TIMEOUT_S: Final = 10.0
_SYSTEM_FOLDERS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC_NAMES: Final = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "timezone",
    "locale.alias",
    "ssl",
    "pki",
    "ca-certificates",
    "mime.types",
    "host.conf",
    "hosts",
    "nsswitch.conf",
    "resolv.conf",
    "protocols",
    "services",
)
_ROOT_FOLDERS: Final = (*_SYSTEM_FOLDERS, "/proc", "/dev", "/sys")
# DuckDB reads the limits of memory and CPUs there
_SYS_PATHS: Final = ("/sys/fs/cgroup", "/sys/devices/system/cpu")
_PROC_PATHS: Final = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/filesystems")
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/full")


@dataclass(frozen=True, slots=True)
class Isolation:
    """Chosen level, and the stronger levels that are unavailable with the reason of each."""

    level: Level
    unavailable: tuple[tuple[Level, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxPermissions:
    """Access of an isolated worker beyond the system's libraries.

    Attributes:
        read: files and folders it can read.
        write: folders it can write, and pipes.
        network: True if it can reach other hosts.
        listable: folders whose names it can read, but not the files in them.
        to_create: folders that are created and then writable.
        denied: the folders of ``to_create`` that could not be created, each with the reason.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    network: bool = True
    listable: tuple[Path, ...] = ()
    to_create: tuple[Path, ...] = ()
    denied: tuple[tuple[Path, str], ...] = ()

    def with_created_dirs(self) -> "SandboxPermissions":
        """Create the folders of ``to_create``, which must exist before the sandbox is applied.

        A folder that cannot be created is denied, and the step that writes there fails as it does without a
        sandbox.
        """
        created: list[Path] = []
        denied = [*self.denied]
        for path in self.to_create:
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                denied.append((path, error.strerror or str(error)))
            else:
                created.append(path)
        return replace(self, write=(*self.write, *created), to_create=(), denied=tuple(denied))

    def to_document(self) -> dict[str, Any]:
        """Return the permissions as JSON, for the log and the worker."""
        document: dict[str, Any] = {
            "read": [str(path) for path in self.read],
            "write": [str(path) for path in self.write],
            "network": self.network,
        }
        if self.listable:
            document["listed"] = [str(path) for path in self.listable]
        if self.denied:
            document["refused"] = [{"path": str(path), "reason": reason} for path, reason in self.denied]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "SandboxPermissions":
        """Return the permissions from ``to_document``."""
        read, write, listable = (
            tuple(map(Path, document.get(key, ()))) for key in ("read", "write", "listed")
        )
        return cls(read, write, document["network"], listable)


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
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file holds secrets
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
    checks = {"bwrap": _bwrap_unavailable, "landlock": _landlock_unavailable}
    return checks[level]() if level in checks else None


def _bwrap_unavailable() -> str | None:
    if shutil.which("bwrap") is None:
        return "bwrap is not installed; install bubblewrap"
    probe = [shutil.which("true") or "/bin/true"]
    command = bwrap_command(SandboxPermissions(network=False), Path("/"), probe)
    try:
        completed = subprocess.run(
            command, capture_output=True, timeout=_PROBE_TIMEOUT_S, check=False, env={}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap failed: {error}"
    if completed.returncode == 0:
        return None
    output = completed.stderr.decode(errors="replace").strip()
    return f"bwrap failed: {output or f'exit code {completed.returncode}'}"


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


def bwrap_command(permissions: SandboxPermissions, cwd: Path, command: Iterable[str]) -> list[str]:
    """Return the command line that runs ``command`` in a bubblewrap sandbox.

    Everything that is not granted is read-only, ``/tmp`` included: bubblewrap creates those folders and
    discards them, so files written there would be lost silently.
    """
    arguments = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--cap-drop", "ALL"]
    arguments += ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--hostname", "sandbox"]
    arguments += [] if permissions.network else ["--unshare-net"]
    arguments += _system_mounts()
    arguments += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]  # noqa: S108  the sandbox's own folder
    arguments += ["--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108  C libraries use it for semaphores
    for path in _existing(_SYS_PATHS):
        arguments += ["--ro-bind", str(path), str(path)]
    arguments += _mounts(permissions, cwd)
    return [*arguments, "--remount-ro", "/", "--chdir", str(cwd), "--", *command]


def _system_mounts() -> Iterator[str]:
    for name in _SYSTEM_FOLDERS:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.exists():
            yield from ("--ro-bind", name, name)
    for path in _existing(f"/etc/{name}" for name in _ETC_NAMES):
        yield from ("--ro-bind", str(path.resolve()), str(path))


def _mounts(permissions: SandboxPermissions, cwd: Path) -> Iterator[str]:
    """Yield mounts of the resolved paths, parents first, then the folders and links that lead to them.

    A file in a writable folder is not mounted, because a mount point cannot be replaced. A readable folder
    is, so that the code of the interpreter stays read-only if it is inside the pipeline's folder.
    """
    chains = [follow_links(path) for path in (*permissions.read, *permissions.write, cwd)]
    write = {follow_links(path).end for path in permissions.write}
    read = {follow_links(path).end for path in permissions.read}
    mounts = {path: "--ro-bind" for path in read if path.is_dir() or write.isdisjoint(path.parents)}
    mounts |= dict.fromkeys(write, "--bind")
    for path, kind in sorted(mounts.items(), key=lambda item: len(item[0].parts)):
        if path.exists():
            yield from (kind, str(path), str(path))
    mounted = {*mounts, *map(Path, _ROOT_FOLDERS), *(Path("/etc") / name for name in _ETC_NAMES)}
    for folder in sorted({folder for chain in chains for folder in chain.required}):
        if mounted.isdisjoint((folder, *folder.parents)):
            yield from ("--dir", str(folder))
    for link, target in sorted({link for chain in chains for link in chain.links}):
        if mounted.isdisjoint((link, *link.parents)):
            yield from ("--symlink", target, str(link))


def restrict_self(permissions: SandboxPermissions) -> None:
    """Restrict this process with Landlock. It cannot be undone.

    Raises:
        OSError: the kernel refused.
    """
    names = (*_SYSTEM_FOLDERS, *_SYS_PATHS, *_PROC_PATHS, f"/proc/{os.getpid()}")
    read = [*map(Path, names), *(Path("/etc") / name for name in _ETC_NAMES), *permissions.read]
    devices = (*_DEVICES, "/dev/shm")  # noqa: S108  C libraries use it for semaphores
    write = [*map(Path, devices), *permissions.write]
    landlock.restrict(read, write, permissions.listable, network=permissions.network)


def _existing(names: Iterable[str]) -> Iterator[Path]:
    return (path for path in map(Path, names) if path.exists())
