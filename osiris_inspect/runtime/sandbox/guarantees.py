"""Guarantees of a level of isolation, as ``doctor`` and the log state them.

``yes``, ``no``, or ``partly:`` and what is open. The attacks of ``tests/runtime/test_isolation_attacks.py`` check it.
"""

from collections.abc import Mapping
from typing import Final

from osiris_inspect.runtime.sandbox import landlock, seccomp
from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
from osiris_inspect.runtime.sandbox.isolation import Level

YES, NO = "yes", "no"
_ONE_PROCESS: Final = "partly: steps share a process, in which a driver can read the secrets of others"
_NETWORK_NEEDED: Final = "no: the pipeline needs it"


def guarantees(level: Level, permissions: SandboxPermissions) -> Mapping[str, str]:
    """Return what a level protects on this machine if it grants these permissions."""
    if level == "none":
        return {"files": NO, "network": NO, "processes": NO, "secrets": NO}
    is_bubblewrap = level == "bwrap"
    return {
        "files": YES if is_bubblewrap else _files_of_landlock(permissions),
        "network": _NETWORK_NEEDED
        if permissions.network
        else YES
        if is_bubblewrap
        else _network_of_landlock(),
        "processes": YES if is_bubblewrap else _processes_of_landlock(),
        "secrets": _ONE_PROCESS,
    }


def _files_of_landlock(permissions: SandboxPermissions) -> str:
    if permissions.live and permissions.hidden:
        return "partly: hidden files can be read, because a step reads a file that another one writes"
    names = "the names of hidden files can be listed, and " if permissions.hidden else ""
    return f"partly: {names}modes and times of files can be changed"


def _network_of_landlock() -> str:
    if seccomp.unavailable_reason() is None:
        return YES
    tcp = "" if landlock.abi() >= landlock.NETWORK_ABI else "TCP, "
    return f"partly: {tcp}UDP and sockets of this machine are open"


def _processes_of_landlock() -> str:
    outliving = "partly: a process that a driver starts can go on after the run"
    if landlock.abi() >= landlock.SCOPE_ABI:
        return outliving
    return f"{outliving}, and processes of the same user can be sent signals"
