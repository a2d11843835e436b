"""The worker as a process: ``python -P -m osiris_inspect.runtime.worker JSON``.

Commands and messages use duplicates of descriptors 0 and 1. Descriptor 1 then points at stderr and descriptor
0 at /dev/null, so that a driver, a C library or a child process can neither print messages nor read commands.
The sandbox is applied before any other code is loaded.
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
_START_FAILED = 3
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")


def main() -> None:
    """Serve commands until stdin ends."""
    options = json.loads(sys.argv[1])
    run_dir = Path(options["session"]).expanduser().absolute()
    if os.getpgid(0) != os.getpid():
        os.setpgid(0, 0)  # one signal to the group ends the worker and its children
    _exit_with_parent(options["host"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the proxy decides
    commands, messages = _redirect_stdio()
    faulthandler.enable(2)
    write = _writer(messages, options.get("durable"))
    try:
        _apply_sandbox(options)
        _enable_stack_dump()  # before drivers are loaded; a thread that starts before the sandbox is not in it
        is_remote = options["isolation"] == "e2b"
        serve = _load_serve(run_dir, install=bool(options.get("install")), is_remote=is_remote)
    except Exception as error:  # noqa: BLE001  the proxy must learn why the worker does not start
        write(_startup_error(error, options["nonce"]))
        sys.exit(_START_FAILED)
    serve(_chunks(commands), write, _context(options, run_dir))


def _load_serve(run_dir: Path, *, install: bool, is_remote: bool) -> Callable[..., None]:
    """Import the command loop after checking that its packages are installed."""
    from osiris_inspect.runtime.protocol import dependencies

    if install:
        dependencies.pip_install(run_dir, [], is_remote=is_remote)
    missing = dependencies.find_missing([])
    if missing:
        raise dependencies.missing_error(missing, is_remote=is_remote)
    from osiris_inspect.runtime.worker.command_loop import serve

    return serve


def _enable_stack_dump() -> None:
    from osiris_inspect.runtime.worker.stack_dump import enable_stack_dump

    enable_stack_dump()


def _context(options: dict[str, Any], run_dir: Path) -> Any:
    from osiris_inspect.runtime.files.memory_limit import current_limit
    from osiris_inspect.runtime.protocol.environment import WorkerContext

    return WorkerContext(
        run_dir,
        options["isolation"],
        time.time,
        tuple(sorted(os.environ)),
        install_missing=bool(options.get("install")),
        memory=current_limit(options.get("cgroup_bytes")),
        nonce=options["nonce"],
    )


def _apply_sandbox(options: dict[str, Any]) -> None:
    from osiris_inspect.runtime.files.memory_limit import name_limit_of_step
    from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
    from osiris_inspect.runtime.sandbox.isolation import ResourceLimits, restrict_self

    ResourceLimits(options.get("memory_bytes")).apply()
    if options.get("is_memory_of_step"):
        name_limit_of_step()
    grants = options.get("grants")
    if grants is not None:
        restrict_self(SandboxPermissions.from_document(grants))


def _exit_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; 0 if the transport does that in another way."""
    if sys.platform == "linux" and parent:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)  # it died before the call


def _redirect_stdio() -> tuple[int, int]:
    commands, messages = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return commands, messages


def _writer(descriptor: int, durable: str | None) -> Callable[[bytes], None]:
    """Return a function that writes lines, first to the new file ``durable`` if the connection can be lost.

    A failed write to the file ends only the file; the lines are still sent.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    file = os.open(Path(durable).expanduser(), flags, 0o600) if durable else -1

    def write(lines: bytes) -> None:
        nonlocal file
        lines = escape_non_ascii(lines) if durable else lines  # E2B decodes pieces that may split a character
        if file >= 0:
            try:
                _write_all(file, lines)
            except OSError as error:
                os.write(2, f"worker: cannot write {durable!r}: {error.strerror}\n".encode())
                os.close(file)
                file = -1
        try:
            _write_all(descriptor, lines)
        except BrokenPipeError:
            os._exit(1)  # the proxy is gone

    return write


def escape_non_ascii(lines: bytes) -> bytes:
    """Return lines of JSON with every non-ASCII character escaped."""
    if lines.isascii():
        return lines
    return _NON_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], lines.decode()).encode()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _startup_error(error: Exception, nonce: str) -> bytes:
    from osiris_inspect.model.errors import log_name

    # not with error_report: the packages that it imports may be missing
    info = {
        "kind": getattr(error, "kind", "worker-start-failed"),
        "message": getattr(error, "message", None) or str(error) or log_name(error),
        "fix": getattr(error, "fix", None),
        "facts": getattr(error, "facts", {}),
        "type": log_name(error),
    }
    fields = {"type": log_name(error), "message": str(error), "error_info": info}
    message = {"nonce": nonce, "n": 0, "type": "error", "id": None, "error": fields}
    return json.dumps(message, separators=(",", ":"), default=str).encode() + b"\n"


def _chunks(descriptor: int) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _CHUNK):
        yield chunk


if __name__ == "__main__":
    main()
