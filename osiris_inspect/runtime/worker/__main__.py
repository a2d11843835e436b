"""The worker as a process of its own: ``python -P -m osiris_inspect.runtime.worker JSON``.

The wire is a private descriptor: descriptor 1 points at stderr, so that a driver, a C library or a child process that
prints cannot speak on the wire, and descriptor 0 at nothing, so that none of them can listen. What isolates the worker
from inside is put on before any other code is loaded.
"""

import ctypes
import faulthandler
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_CHUNK = 1 << 16
_COULD_NOT_START = 3
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def main() -> None:
    """Serve until stdin ends."""
    told = json.loads(sys.argv[1])
    session = Path(told["session"]).expanduser().absolute()
    _become_group_leader()
    _exit_with_parent(told["host"])
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches a whole terminal; the host decides what ends
    commands, wire = _redirect_stdio()
    faulthandler.enable(2)  # a crash inside a C library leaves the line of Python it came from
    write = _writer(wire, told.get("durable"))
    try:
        _apply_sandbox(told)
        serve = _load_serve(session, install=bool(told.get("install")))
    except Exception as error:  # noqa: BLE001  the host must hear why there will be no worker
        write(_report_startup_error(error))
        sys.exit(_COULD_NOT_START)
    serve(_chunks(commands), write, _context(told, session))


def _load_serve(session: Path, *, install: bool) -> Callable[..., None]:
    """The loop to run, imported only when all it imports is there."""
    from osiris_inspect.runtime.protocol import dependencies

    if install:
        dependencies.pip_install(session, [])
    lacking = dependencies.find_missing([])
    if lacking:
        raise dependencies.missing_error(lacking)
    from osiris_inspect.runtime.worker.command_loop import serve

    return serve


def _context(told: dict[str, Any], session: Path) -> Any:
    from osiris_inspect.runtime.protocol.environment import WorkerContext

    return WorkerContext(
        session,
        told["isolation"],
        time.time,
        tuple(sorted(os.environ)),
        install_missing=bool(told.get("install")),
    )


def _apply_sandbox(told: dict[str, Any]) -> None:
    from osiris_inspect.runtime.sandbox.isolation import ResourceLimits, SandboxPermissions, restrict_self

    ResourceLimits(told.get("memory_bytes"), told.get("file_bytes"), told.get("open_files") or 4096).apply()
    grants = told.get("grants")
    if grants is not None:
        restrict_self(SandboxPermissions.from_document(grants))


def _exit_with_parent(host: int) -> None:
    """End when the host dies, also in the middle of a step; 0 where the host sees to that another way."""
    if sys.platform == "linux" and host:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != host:
            sys.exit(1)  # it died before we asked


def _become_group_leader() -> None:
    """Lead a process group, so that one signal ends the worker and all it started."""
    if os.getpgid(0) != os.getpid():
        os.setpgid(0, 0)


def _redirect_stdio() -> tuple[int, int]:
    commands, wire = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # a driver that prints must not speak on the wire
    os.close(nothing)
    return commands, wire


def _writer(wire: int, durable: str | None) -> Callable[[bytes], None]:
    """Writes lines to the wire, and before that to a file where the host may lose the connection.

    A disk that refuses the file costs the file, not the run: what is said still goes over the wire.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    kept = os.open(Path(durable).expanduser(), flags, 0o600) if durable else -1

    def write(lines: bytes) -> None:
        nonlocal kept
        lines = escape_non_ascii(lines) if durable else lines  # far away others decode the pieces
        if kept >= 0:
            try:
                _write_all(kept, lines)
            except OSError as error:
                os.write(2, f"worker: {durable} is kept no more: {error.strerror}\n".encode())
                os.close(kept)
                kept = -1
        try:
            _write_all(wire, lines)
        except BrokenPipeError:
            os._exit(1)  # the host is gone; there is nobody to say it to

    return write


def escape_non_ascii(lines: bytes) -> bytes:
    """Lines of JSON without a byte beyond ASCII: no cut can go through a character."""
    if lines.isascii():
        return lines
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], lines.decode()).encode()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _report_startup_error(error: Exception) -> bytes:
    from osiris_inspect.model.errors import log_name

    told = {"type": log_name(error), "message": str(error)}
    return (
        json.dumps({"type": "error", "id": None, "error": told}).encode().replace(b"{", b'{"n":0,', 1) + b"\n"
    )


def _chunks(descriptor: int) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _CHUNK):
        yield chunk


if __name__ == "__main__":
    main()
