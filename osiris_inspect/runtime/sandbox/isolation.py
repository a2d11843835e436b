"""How far a local worker is kept apart from its host: the best level that works here, tried and not assumed.

``bwrap``: a file system, processes and, where the pipeline needs none, a network of its own. ``landlock``: the host's,
closed but for what is granted. ``none``: a local process, which reads what its user reads; nobody calls it a sandbox.
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
"""The best first."""

LEAST_MEMORY: Final = 768 * 2**20
"""Bytes of address space without which a worker cannot load what it is made of."""
_PROBE_S: Final = 10.0
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_OF_ETC: Final = (
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
_OF_THE_ROOT: Final = (*_SYSTEM, "/proc", "/dev", "/sys")
_OF_SYS: Final = ("/sys/fs/cgroup", "/sys/devices/system/cpu")  # without them DuckDB aborts or counts wrong
_OF_PROC: Final = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/filesystems")
_OF_DEV: Final = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/full")


@dataclass(frozen=True, slots=True)
class Isolation:
    """A level, and the better ones that do not work here with the reason of each."""

    level: Level
    unavailable: tuple[tuple[Level, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxPermissions:
    """What an isolated worker can reach beyond the system's own libraries.

    Attributes:
        read: files and folders it can read.
        write: folders it can write, and pipes.
        network: whether it can reach other hosts.
        listed: folders whose names it can read, and of their files no more than is granted otherwise.
        made: folders it can write once they are made.
        refused: those of ``made`` that could not be, each with the reason.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    network: bool = True
    listable: tuple[Path, ...] = ()
    to_create: tuple[Path, ...] = ()
    denied: tuple[tuple[Path, str], ...] = ()

    def with_created_dirs(self) -> "SandboxPermissions":
        """The same once the missing folders are made: they must be there before the worker is closed in.

        One that cannot be made is granted to nobody; the step that writes there fails, as it does without a sandbox.
        """
        there: list[Path] = []
        refused: list[tuple[Path, str]] = []
        for path in self.to_create:
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                refused.append((path, error.strerror or str(error)))
            else:
                there.append(path)
        return replace(self, write=(*self.write, *there), to_create=(), denied=(*self.denied, *refused))

    def to_document(self) -> dict[str, Any]:
        """For the log: what was granted."""
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
        """What was granted, from what ``to_document`` gave."""
        read, write, listed = (tuple(map(Path, document.get(way, ()))) for way in ("read", "write", "listed"))
        return cls(read, write, document["network"], listed)


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What one worker may use; None for no bound.

    ``file_bytes`` is the size of one file. Without ``memory_bytes`` the system ends the worker when memory runs out;
    with it the driver gets a MemoryError that names its line.
    """

    memory_bytes: int | None = None
    file_bytes: int | None = None
    open_files: int = 4096

    def apply(self) -> None:
        """Bind this process and all it starts."""
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file holds secrets
        _lower(resource.RLIMIT_NOFILE, self.open_files)
        if self.file_bytes is not None:
            _lower(resource.RLIMIT_FSIZE, self.file_bytes)
        if self.memory_bytes is not None:
            _lower(resource.RLIMIT_AS, self.memory_bytes)


def _lower(what: int, to: int) -> None:
    _, hard = resource.getrlimit(what)
    bound = to if hard == resource.RLIM_INFINITY else min(to, hard)
    resource.setrlimit(what, (bound, bound))


def choose(wanted: RequestedLevel) -> Isolation:
    """The level to use.

    Raises:
        SettingsError: a level that was demanded does not work here; the message says why.
    """
    if wanted == "none":
        return Isolation("none")
    declined: list[tuple[Level, str]] = []
    for level in LEVELS if wanted == "auto" else (wanted,):
        reason = unavailable_reason(level)
        if reason is None:
            return Isolation(level, tuple(declined))
        declined.append((level, reason))
    (_, reason) = declined[-1]
    raise SettingsError(f"isolation {wanted!r} does not work here: {reason}")


@cache
def unavailable_reason(level: Level) -> str | None:
    """Why a level does not work on this machine, found by trying; None where it does."""
    match level:
        case "bwrap":
            return _why_no_bwrap()
        case "landlock":
            return _why_no_landlock()
        case "none":
            return None


def _why_no_bwrap() -> str | None:
    if shutil.which("bwrap") is None:
        return "there is no bwrap; install bubblewrap"
    command = bwrap_command(
        SandboxPermissions(network=False), Path("/"), [shutil.which("true") or "/bin/true"]
    )
    try:
        tried = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=False, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap was tried and failed: {error}"
    if tried.returncode == 0:
        return None
    words = tried.stderr.decode(errors="replace").strip() or f"exit code {tried.returncode}"
    return f"bwrap was tried and failed: {words}"


def _why_no_landlock() -> str | None:
    if sys.platform != "linux":
        return "there is no Landlock but on Linux"
    try:
        version = landlock.abi()
    except OSError as error:
        return error.strerror or str(error)
    if version < landlock.OLDEST_ABI:
        return f"this kernel speaks Landlock {version}; {landlock.OLDEST_ABI} is needed"
    return None


def python_paths() -> tuple[Path, ...]:
    """The folders of this Python and its packages, and of this package where it lies elsewhere."""
    folders = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(__file__).parents[2])}
    folders |= {path for name, path in sysconfig.get_paths().items() if name in ("purelib", "platlib")}
    return tuple(sorted(Path(folder) for folder in folders))


def bwrap_command(grants: SandboxPermissions, cwd: Path, command: Iterable[str]) -> list[str]:
    """The command line that runs ``command`` in a sandbox of Bubblewrap.

    It can write what it was granted and nothing else, ``/tmp`` included: what lies beside that is made for it and goes
    with it, so a file that could be written there would be lost without a word.
    """
    words = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--cap-drop", "ALL"]
    words += ["--unshare-user-try", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    words += ["--hostname", "sandbox"]
    words += [] if grants.network else ["--unshare-net"]
    words += list(_system_mounts())
    words += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]  # noqa: S108  the sandbox's own, not the host's
    words += ["--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108  where threads of C libraries meet
    for path in _existing(_OF_SYS):
        words += ["--ro-bind", str(path), str(path)]
    words += list(_mounts(grants, cwd))
    words += ["--remount-ro", "/"]
    return [*words, "--chdir", str(cwd), "--", *command]


def _system_mounts() -> Iterator[str]:
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.exists():
            yield from ("--ro-bind", name, name)
    for path in _existing(f"/etc/{name}" for name in _OF_ETC):
        yield from ("--ro-bind", str(path.resolve()), str(path))


def _mounts(grants: SandboxPermissions, cwd: Path) -> Iterator[str]:
    """Each folder and file where it really lies, folders before what lies in them; then the ways that lead there.

    A file in a writable folder has no mount of its own: what is mounted cannot be replaced. A folder has: the code of the
    interpreter stays closed where it lies in the pipeline's own folder.
    """
    ways = [follow_links(path) for path in (*grants.read, *grants.write, cwd)]
    write = {follow_links(path).end for path in grants.write}
    read = {follow_links(path).end for path in grants.read}
    mounts = {path: "--ro-bind" for path in read if path.is_dir() or write.isdisjoint(path.parents)}
    mounts |= dict.fromkeys(write, "--bind")
    for path, kind in sorted(mounts.items(), key=lambda item: len(item[0].parts)):
        if path.exists():
            yield from (kind, str(path), str(path))
    there = {*mounts, *map(Path, _OF_THE_ROOT), *(Path("/etc") / name for name in _OF_ETC)}
    for folder in sorted({folder for way in ways for folder in way.required}):
        if there.isdisjoint((folder, *folder.parents)):
            yield from ("--dir", str(folder))
    for link, target in sorted({link for way in ways for link in way.links}):
        if there.isdisjoint((link, *link.parents)):
            yield from ("--symlink", target, str(link))


def restrict_self(grants: SandboxPermissions) -> None:
    """Close this process in by Landlock, for good.

    Raises:
        OSError: the kernel refuses.
    """
    system = [Path(name) for name in (*_SYSTEM, *_OF_SYS, *_OF_PROC, f"/proc/{os.getpid()}")]
    system += [Path("/etc") / name for name in _OF_ETC]
    devices = [Path(name) for name in (*_OF_DEV, "/dev/shm")]  # noqa: S108  where threads of C libraries meet
    read, write = [*system, *grants.read], [*devices, *grants.write]
    landlock.restrict(read, write, grants.listable, network=grants.network)


def _existing(names: Iterable[str]) -> Iterator[Path]:
    return (path for path in map(Path, names) if path.exists())
