"""Landlock: a process gives up, for itself and all it will start, every file and port it was not granted.

The kernel's own interface, spoken directly: three system calls and two structures.
"""

import ctypes
import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

OLDEST_ABI: Final = 3
"""The first that holds back truncating; an older one would leave files open to it."""
NETWORK_ABI: Final = 4
"""The first that can close TCP."""
SCOPE_ABI: Final = 6
"""The first that can keep signals and abstract sockets inside."""

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_ASK_VERSION: Final = 1
_BENEATH_PATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_OF_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_BOTH_WAYS_OF_TCP: Final = 0b11
_BOTH_SCOPES: Final = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def abi() -> int:
    """The version of the interface this kernel speaks.

    Raises:
        OSError: none; its text says why.
    """
    return _call(_CREATE, None, 0, _ASK_VERSION)


def restrict(
    read: Iterable[Path], write: Iterable[Path], listed: Iterable[Path] = (), *, network: bool
) -> None:
    """Leave this process ``read`` to read and run, ``write`` to write too, names in ``listed``, TCP only if ``network``.

    For good, and for every process it starts. Paths that are not there are granted to nobody.

    Raises:
        OSError: the kernel refuses; nothing was given up.
    """
    version = abi()
    files = _files(version)
    closed = _BOTH_WAYS_OF_TCP if version >= NETWORK_ABI and not network else 0
    ruleset = _Ruleset(files, closed, _BOTH_SCOPES if version >= SCOPE_ABI else 0)
    descriptor = _call(_CREATE, ctypes.byref(ruleset), _size(version), 0)
    try:
        for path in read:
            _allow(descriptor, path, _READ & files)
        for path in write:
            _allow(descriptor, path, files)
        for path in listed:
            _allow(descriptor, path, _READ_DIR)
        if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
            raise _error()
        _call(_RESTRICT, descriptor, 0)
    finally:
        os.close(descriptor)


def _files(version: int) -> int:
    known = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        known |= right if version >= since else 0
    return known


def _size(version: int) -> int:
    """Bytes of the structure this kernel knows; a longer one would be refused."""
    return 8 if version < NETWORK_ABI else 16 if version < SCOPE_ABI else 24


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # what is not there cannot be reached either
    try:
        is_folder = stat.S_ISDIR(os.fstat(folder).st_mode)
        beneath = _Beneath(rights if is_folder else rights & _OF_A_FILE, folder)
        _call(_ADD, ruleset, _BENEATH_PATH, ctypes.byref(beneath), 0)
    finally:
        os.close(folder)


def _call(number: int, *arguments: object) -> int:
    result = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if result < 0:
        raise _error()
    return int(result)


def _error() -> OSError:
    number = ctypes.get_errno()
    words = {
        errno.ENOSYS: "this kernel has no Landlock",
        errno.EOPNOTSUPP: "Landlock was switched off when this kernel started",
    }
    return OSError(number, words.get(number, os.strerror(number)))
