"""Seccomp filter of an isolated worker: system calls that no driver needs and that lead out of a sandbox.

The filter is built here, because a program of 60 lines needs no C library. It denies by error, not by signal, so
that a library which tries another way goes on. It exists for x86_64 only; elsewhere the levels report less.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Collection, Sequence
from functools import cache
from typing import Final, NamedTuple

_LOAD, _AND, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_OFFSET, _ARCH_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_AUDIT_ARCH_X86_64: Final = 0xC000003E
_X32_BIT: Final = 0x40000000
_PR_SET_NO_NEW_PRIVS, _PR_GET_SECCOMP, _PR_SET_SECCOMP, _MODE_FILTER = 38, 21, 22, 2

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10

# other processes, keys, the kernel's own interpreters, and mounts and namespaces
_DENIED: Final = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438,
    "process_madvise": 440, "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321,
    "perf_event_open": 298, "userfaultfd": 323, "syslog": 103, "modify_ldt": 154, "unshare": 272, "setns": 308,
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "open_by_handle_at": 304, "open_tree": 428,
    "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442,
}  # fmt: skip
# the C library has another way for each of these; a filter cannot read the structure that they take
_ABSENT: Final = {
    "clone3": 435, "openat2": 437, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
}  # fmt: skip
_SOCKET, _SOCKETPAIR, _CLONE, _IOCTL, _PRLIMIT = 41, 53, 56, 16, 302
_SOCK_DGRAM, _SOCK_RAW, _SOCK_TYPES = 2, 3, 0xF
_NEW_NAMESPACES: Final = 0x7E020000
_PUSH_INPUT: Final = 0x5412
"""``TIOCSTI``: types into the terminal."""
_SET_ID_BITS: Final = 0o6000
_CREATES: Final = os.O_CREAT | 0x400000  # O_TMPFILE without O_DIRECTORY
_MODE_ARGUMENTS: Final = {90: 1, 91: 1, 268: 2, 452: 2, 85: 1, 133: 1, 259: 2}
"""Argument with the mode: chmod, fchmod, fchmodat, fchmodat2, creat, mknod, mknodat."""
_OPENS: Final = {2: (1, 2), 257: (2, 3)}
"""Arguments with flags and mode: open, openat."""


class _Condition(NamedTuple):
    """Comparison of the low 32 bits of an argument."""

    argument: int
    jump: int
    value: int


_Instruction = tuple[int, int, int, int]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


@cache
def unavailable_reason() -> str | None:
    """Return the reason why this machine has no such filter; None if it has."""
    if sys.platform != "linux" or platform.machine() != "x86_64" or struct.calcsize("P") != 8:
        return f"the seccomp filter exists for Linux on x86_64, not for {platform.machine()}"
    if ctypes.CDLL(None).prctl(_PR_GET_SECCOMP, 0, 0, 0, 0) < 0:
        return "the kernel has no seccomp"
    return None


def program(socket_families: Collection[int]) -> bytes:
    """Return the filter as an array of ``struct sock_filter``; sockets are allowed in these families only."""
    instructions: list[_Instruction] = [
        _load(_ARCH_OFFSET),
        (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH_X86_64),
        (_RETURN, 0, 0, _KILL_PROCESS),
        _load(_NUMBER_OFFSET),
        (_JUMP_GREATER_EQUAL, 0, 1, _X32_BIT),
        _error(errno.ENOSYS),
    ]
    for number in _DENIED.values():
        instructions += _deny(number, errno.EPERM)
    for number in _ABSENT.values():
        instructions += _deny(number, errno.ENOSYS)
    instructions += _deny(_CLONE, errno.EPERM, [_Condition(0, _JUMP_SET, _NEW_NAMESPACES)])
    instructions += _deny(_IOCTL, errno.EPERM, [_Condition(1, _JUMP_EQUAL, _PUSH_INPUT)])
    for number, argument in _MODE_ARGUMENTS.items():
        instructions += _deny(number, errno.EPERM, [_Condition(argument, _JUMP_SET, _SET_ID_BITS)])
    for number, (flags, mode) in _OPENS.items():
        creates = [_Condition(flags, _JUMP_SET, _CREATES), _Condition(mode, _JUMP_SET, _SET_ID_BITS)]
        instructions += _deny(number, errno.EPERM, creates)
    # the limits of another process end it
    instructions += _deny(_PRLIMIT, errno.EPERM, [_Condition(0, _JUMP_SET, 0xFFFFFFFF)])
    instructions += _deny_other_sockets(tuple(socket_families))
    if AF_UNIX not in socket_families:
        # unlike streams, they can be connected again: to a socket of the machine
        instructions += _deny_datagram_pairs()
    instructions.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def restrict_self(socket_families: Collection[int]) -> None:
    """Apply the filter to this thread and all that it starts. It cannot be undone.

    Raises:
        OSError: the kernel refused.
    """
    code = program(socket_families)
    buffer = ctypes.create_string_buffer(code, len(code))
    bpf = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or library.prctl(
        _PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(bpf), 0, 0
    ):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _deny(number: int, error: int, conditions: Sequence[_Condition] = ()) -> list[_Instruction]:
    """Return an error for a system call, if it meets all conditions."""
    checks: list[_Instruction] = [_error(error)]
    for argument, jump, value in reversed(conditions):
        checks = [_load(_ARGUMENTS_OFFSET + 8 * argument), (jump, 0, len(checks), value), *checks]
    if conditions:
        checks.append(_load(_NUMBER_OFFSET))
    return [(_JUMP_EQUAL, 0, len(checks), number), *checks]


def _deny_other_sockets(families: Sequence[int]) -> list[_Instruction]:
    allowed = [(_JUMP_EQUAL, len(families) - position, 0, family) for position, family in enumerate(families)]
    checks = [_load(_ARGUMENTS_OFFSET), *allowed, _error(errno.EACCES), _load(_NUMBER_OFFSET)]
    return [(_JUMP_EQUAL, 0, len(checks), _SOCKET), *checks]


def _deny_datagram_pairs() -> list[_Instruction]:
    checks = [_load(_ARGUMENTS_OFFSET + 8), (_AND, 0, 0, _SOCK_TYPES), (_JUMP_EQUAL, 1, 0, _SOCK_DGRAM)]
    checks += [(_JUMP_EQUAL, 0, 1, _SOCK_RAW), _error(errno.EACCES), _load(_NUMBER_OFFSET)]
    return [(_JUMP_EQUAL, 0, len(checks), _SOCKETPAIR), *checks]


def _load(offset: int) -> _Instruction:
    return (_LOAD, 0, 0, offset)


def _error(number: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERROR | number)
