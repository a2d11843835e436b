"""Landlock: restricts a process and its children to the files and ports they are granted.

Uses the three system calls and two structures of the kernel directly.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

OLDEST_ABI: Final = 3
"""The first version that restricts truncation."""
NETWORK_ABI: Final = 4
"""The first version that restricts TCP."""
SCOPE_ABI: Final = 6
"""The first version that restricts signals and abstract sockets."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG: Final = 1
_RULE_PATH_BENEATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_CAPBSET_DROP: Final = 24
_CAPABILITIES_V3: Final = 0x20080522

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_RIGHTS: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_TCP_BIND_AND_CONNECT: Final = 0b11
_SOCKETS_AND_SIGNALS: Final = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def abi() -> int:
    """Return the Landlock ABI version of the kernel.

    Raises:
        OSError: the kernel has no Landlock, or it is disabled.
    """
    return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)


def restrict(
    read: Iterable[Path], write: Iterable[Path], listable: Iterable[Path] = (), *, network: bool
) -> None:
    """Restrict this process to reading and executing ``read``, writing ``write`` and listing ``listable``.

    TCP is allowed only with ``network``. All capabilities are dropped. The restriction is permanent and applies to
    child processes. Missing paths are ignored.

    Raises:
        OSError: the kernel refused; nothing is restricted.
    """
    version = abi()
    files = _file_rights(version)
    restricted_tcp = _TCP_BIND_AND_CONNECT if version >= NETWORK_ABI and not network else 0
    ruleset = _Ruleset(files, restricted_tcp, _SOCKETS_AND_SIGNALS if version >= SCOPE_ABI else 0)
    descriptor = _call(_CREATE_RULESET, ctypes.byref(ruleset), _size(version), 0)
    try:
        for path in read:
            _allow(descriptor, path, _READ & files)
        for path in write:
            _allow(descriptor, path, files)
        for path in listable:
            _allow(descriptor, path, _READ_DIR)
        _drop_capabilities()
        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise _error()
        _call(_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)


def _drop_capabilities() -> None:
    """Drop all capabilities, which root has, now and for the programs that this process starts."""
    library = ctypes.CDLL(None, use_errno=True)
    capability = 0
    # refused to a user without capabilities, and after the last one
    while library.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    header = _CapabilityHeader(_CAPABILITIES_V3, 0)
    none = (ctypes.c_uint32 * 6)()
    if library.capset(ctypes.byref(header), none) != 0:
        raise _error()


def _file_rights(version: int) -> int:
    rights = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        rights |= right if version >= since else 0
    return rights


def _size(version: int) -> int:
    """Return the bytes of the ruleset structure of this version; the kernel refuses a longer one."""
    return 8 if version < NETWORK_ABI else 16 if version < SCOPE_ABI else 24


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        beneath = _Beneath(rights if is_folder else rights & _FILE_RIGHTS, descriptor)
        _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        raise _error()
    return int(result)


def _error() -> OSError:
    number = ctypes.get_errno()
    messages = {
        errno.ENOSYS: "the kernel has no Landlock",
        errno.EOPNOTSUPP: "Landlock was disabled when the kernel started",
    }
    return OSError(number, messages.get(number, os.strerror(number)))
