"""Bubblewrap: runs a worker with its own file system, processes, user namespace and, if asked, network.

Everything that is not granted is absent or read-only, ``/tmp`` included: bubblewrap creates those folders and
discards them, so files written there would be lost silently.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.files.symlinks import LinkChain, follow_links
from osiris_inspect.runtime.sandbox import seccomp
from osiris_inspect.runtime.sandbox.grants import (
    ETC_NAMES,
    SYS_PATHS,
    SYSTEM_FOLDERS,
    SandboxPermissions,
    existing,
)

_PROBE_TIMEOUT_S: Final = 10.0
_UNPRIVILEGED_ID: Final = "1000"
"""User and group inside if the host's user is root."""
_ROOT_FOLDERS: Final = (*SYSTEM_FOLDERS, "/proc", "/dev", "/sys")
_READ, _WRITE, _HIDE = "--ro-bind", "--bind", "--tmpfs"


def unavailable_reason() -> str | None:
    """Return the reason why bubblewrap does not work here, found by trying it; None if it works."""
    if shutil.which("bwrap") is None:
        return "bwrap is not installed; install bubblewrap"
    probe = [shutil.which("true") or "/bin/true"]
    try:
        completed = subprocess.run(
            command(SandboxPermissions(network=False), Path("/"), probe),
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
            env={},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap failed: {error}"
    if completed.returncode == 0:
        return None
    output = completed.stderr.decode(errors="replace").strip()
    return f"bwrap failed: {output or f'exit code {completed.returncode}'}"


def command(
    permissions: SandboxPermissions, cwd: Path, program: Iterable[str], filter_descriptor: int | None = None
) -> list[str]:
    """Return the command line that runs ``program`` in a sandbox.

    The process that is started inherits ``filter_descriptor``, which has the program of ``seccomp_filter``.
    """
    arguments = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--cap-drop", "ALL"]
    arguments += ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--hostname", "sandbox"]
    arguments += ["--uid", _UNPRIVILEGED_ID, "--gid", _UNPRIVILEGED_ID] if os.geteuid() == 0 else []
    arguments += ["--disable-userns"] if _can_disable_user_namespaces() else []
    arguments += ["--seccomp", str(filter_descriptor)] if filter_descriptor is not None else []
    arguments += [] if permissions.network else ["--unshare-net"]
    arguments += _system_mounts()
    # the kernel lets the host's root write /proc/sys without any capability
    arguments += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"]
    arguments += ["--dev", "/dev", "--dir", "/tmp"]  # noqa: S108  the sandbox's own folder
    arguments += ["--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108  C libraries use it for semaphores
    for path in existing(SYS_PATHS):
        arguments += ["--ro-bind", str(path), str(path)]
    arguments += _mounts(permissions, cwd)
    return [*arguments, "--remount-ro", "/", "--chdir", str(cwd), "--", *program]


def seccomp_filter(permissions: SandboxPermissions) -> int | None:
    """Return the descriptor of a file with the filter of system calls; None if this machine has no filter.

    With a network of its own, a worker may open sockets of the Internet: they lead nowhere. A socket of the machine
    can be a file in the folder of the pipeline, or an abstract one in the host's network.
    """
    if seccomp.unavailable_reason() is not None:
        return None
    families = [seccomp.AF_INET, seccomp.AF_INET6]
    if permissions.sockets:
        families.append(seccomp.AF_UNIX)
    descriptor = os.memfd_create("seccomp", 0)
    os.write(descriptor, seccomp.program(families))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


@cache
def _can_disable_user_namespaces() -> bool:
    """Return True if this version of bubblewrap can; older ones rely on the filter of system calls."""
    try:
        done = subprocess.run(
            [shutil.which("bwrap") or "bwrap", "--help"],
            capture_output=True,
            check=False,
            timeout=_PROBE_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"--disable-userns" in done.stdout + done.stderr


def _system_mounts() -> Iterator[str]:
    for name in SYSTEM_FOLDERS:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.exists():
            yield from (_READ, name, name)
    for path in existing(f"/etc/{name}" for name in ETC_NAMES):
        yield from (_READ, str(path.resolve()), str(path))


def _mounts(permissions: SandboxPermissions, cwd: Path) -> Iterator[str]:
    """Yield mounts of the resolved paths, parents first, then the folders and links that lead to them."""
    chains = [follow_links(path) for path in (*permissions.read, *permissions.live, *permissions.write, cwd)]
    mounts = _kinds(permissions)
    for path, kind in sorted(mounts.items(), key=lambda item: len(item[0].parts)):
        if kind != _HIDE:
            yield from (kind, str(path), str(path))
        elif path.is_dir():
            yield from (_HIDE, str(path))
        else:
            yield from (_READ, os.devnull, str(path))  # devices cannot be opened in a bind mount
    yield from _ways(chains, mounts)
    for path, kind in mounts.items():
        if kind == _HIDE and path.is_dir():
            yield from ("--remount-ro", str(path))


def _kinds(permissions: SandboxPermissions) -> dict[Path, str]:
    """Return how each resolved path is mounted.

    A file is mounted only if its folder is not visible, because a mount point shows the old file after the file was
    replaced. A readable folder is mounted in any case, so that the code of the interpreter stays read-only if it is
    in a writable folder.
    """
    read = {follow_links(path).end for path in (*permissions.read, *permissions.live)}
    write = {follow_links(path).end for path in permissions.write}
    hidden = {follow_links(path).end for path in permissions.hidden}
    kinds = dict.fromkeys((path for path in read if path.is_dir()), _READ)
    kinds |= dict.fromkeys((path for path in write if path.exists()), _WRITE)
    for path in sorted(hidden - {*read, *write}, key=lambda path: len(path.parts)):
        if path.exists() and _nearest(path, kinds) in (_READ, _WRITE):
            kinds[path] = _HIDE
    for path in read - {*kinds}:
        if path.exists() and _nearest(path, kinds) not in (_READ, _WRITE):
            kinds[path] = _READ
    return kinds


def _nearest(path: Path, kinds: Mapping[Path, str]) -> str | None:
    """Return how the nearest folder of a path is mounted; None if none of them is."""
    return next((kinds[folder] for folder in path.parents if folder in kinds), None)


def _ways(chains: Iterable[LinkChain], mounts: Mapping[Path, str]) -> Iterator[str]:
    """Yield the folders and links, outside of what is mounted, that lead to the mounted paths."""
    system = {*map(Path, _ROOT_FOLDERS), *(Path("/etc") / name for name in ETC_NAMES)}
    kinds = {**mounts, **dict.fromkeys(system, _READ)}
    for folder in sorted({folder for chain in chains for folder in chain.required}):
        if folder not in kinds and _nearest(folder, kinds) in (None, _HIDE):
            yield from ("--dir", str(folder))
    for link, target in sorted({link for chain in chains for link in chain.links}):
        if link not in kinds and _nearest(link, kinds) in (None, _HIDE):
            yield from ("--symlink", target, str(link))
