"""A host with everything that a driver must not reach, and a run of hostile drivers on it.

``python -m tests.runtime.attacks.scene FOLDER LEVEL`` writes ``results.json``: the attacks that succeeded.
"""

import contextlib
import ctypes
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from osiris_inspect.runtime import settings
from osiris_inspect.runtime.connections.connections import Connections
from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.stdio import Stdio
from tests.runtime.attacks.attacks import BESIDE, CORES, OWN_OUTPUT, PLANTED_CARD, PLANTED_OUTPUT, SET_ID

REPO = Path(__file__).parents[3]
DRIVERS = "tests.runtime.attacks.attacks"
LOGS = "put its own secret into the log, as it is"
DATA = "put its own secret into its own data"
WRITERS: Mapping[str, str] = {
    "leave_link": PLANTED_OUTPUT,
    "leave_fifo": PLANTED_OUTPUT,
    "leave_folder": PLANTED_OUTPUT,
    "replace_folder": PLANTED_OUTPUT,
    "race": PLANTED_OUTPUT,
    "leave_more": BESIDE,
    "keep_second_name": OWN_OUTPUT,
    "keep_open": OWN_OUTPUT,
    "set_user_id": SET_ID,
}
AFTER: Mapping[str, str] = {
    **{f"output_{name}": row for name, row in WRITERS.items()},
    "plant_run_card": PLANTED_CARD,
    "leave_core": CORES,
    "secret_in_log": LOGS,
    "secret_in_data": DATA,
}
"""Attacks whose success is seen after the run, and their rows."""
_DATA = ("output.parquet", "schema.json")
"""A frame and its description."""
_SHM_SIZE, _IPC_CREATE = 4096, 0o1000


def _component(name: str, driver: str, mode: Any, keys: tuple[str, ...]) -> Component:
    return Component(
        name=name,
        summary="Attacks.",
        driver=f"{DRIVERS}:{driver}",
        modes=(mode,),
        keys=(
            *(ConfigKey(key, "text", "for tests") for key in keys),
            *([ConfigKey("create_dirs", "switch", "for tests", default=True)] if mode == "write" else []),
        ),
        inputs="none" if mode == "read" else "one",
        produces_frame=mode == "read",
    )


COMPONENTS = {
    **{component.name: component for component in BUILT_IN},
    "test.attacker": _component("test.attacker", "Attacker", "read", ("scene",)),
    "test.stasher": _component("test.stasher", "Stasher", "read", ()),
    "test.waiter": _component("test.waiter", "Waiter", "read", ("scene",)),
    "test.writer": _component("test.writer", "HostileWriter", "write", ("do", "path", "scene")),
}


def main() -> None:
    folder, level = Path(sys.argv[1]), sys.argv[2]
    with _host(folder, level) as scene:
        results = _attack(folder, level, scene)
    (folder / "results.json").write_bytes(orjson.dumps(results))


@contextlib.contextmanager
def _host(folder: Path, level: str) -> Iterator[dict[str, Any]]:
    base, outside = folder / "base", folder / "outside"
    other_run = base / "logs/run_1000000000001"
    for path in (base / ".git/hooks", base / "cache", base / "service", outside / "planted", other_run):
        path.mkdir(parents=True)
    for path, text in (
        (base / "movies.csv", "a\n1\n"),
        (base / "renamed.csv", "a\n1\n"),
        (base / ".env", "PASSWORD=of-unused-connection\n"),
        (base / "osiris_connections.yaml", "connections: {}\n"),
        (base / ".git/config", "[core]\n"),
        (base / "service/.env", "PASSWORD=of-service\n"),
        (base / "pipeline.yaml", "oml_version\n"),
        (base / "cache/index", "index"),
        (outside / "secret.txt", "of the host"),
        (outside / "renamed.txt", "of the host"),
        (other_run / "events.jsonl", "{}\n"),
    ):
        path.write_text(text)
    abstract = f"attacked-{os.getpid()}"
    shared_file = Path("/dev/shm", abstract)
    shared_file.write_text("x")
    libc = ctypes.CDLL(None)
    segment = libc.shmget(os.getpid(), _SHM_SIZE, _IPC_CREATE | 0o600)
    neighbour = subprocess.Popen(["sleep", "600"], env={"NEIGHBOUR": "of_neighbour"})
    time.sleep(0.2)  # until it is the program
    address = int(Path(f"/proc/{neighbour.pid}/maps").read_text().split("-")[0], 16)
    with contextlib.ExitStack() as stack:
        stack.callback(neighbour.wait)
        stack.callback(neighbour.kill)
        stack.callback(shared_file.unlink)
        stack.callback(libc.shmctl, segment, 0, None)
        stack.callback(Path(f"/tmp/{abstract}").unlink, missing_ok=True)
        tcp = _serve(stack, socket.AF_INET, ("127.0.0.1", 0))
        tcp6 = _serve(stack, socket.AF_INET6, ("::1", 0)) if Path("/proc/net/if_inet6").exists() else None
        _serve(stack, socket.AF_UNIX, str(outside / "socket"))
        _serve(stack, socket.AF_UNIX, f"\0{abstract}")
        _serve(stack, socket.AF_UNIX, str(base / "socket"))
        for address in (f"{outside}/datagrams", f"{base}/datagrams", f"\0{abstract}-datagrams"):
            receiver = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            receiver.bind(address)
        os.mkfifo(base / "pipe")
        stack.callback(os.close, os.open(base / "pipe", os.O_RDONLY | os.O_NONBLOCK))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        threading.Thread(target=_answer, args=(udp,), daemon=True).start()
        yield {
            "level": level,
            "base": str(base),
            "outside": str(outside),
            "other_run": str(other_run),
            "tmp_file": f"/tmp/{abstract}",
            "tcp_port": tcp.getsockname()[1],
            "tcp6_port": tcp6.getsockname()[1] if tcp6 else 0,
            "udp_port": udp.getsockname()[1],
            "abstract": abstract,
            "shared_file": abstract,
            "shared_key": os.getpid(),
            "neighbour": neighbour.pid,
            "neighbour_address": address,
            "host": os.getpid(),
        }


def _serve(stack: contextlib.ExitStack, family: int, address: Any) -> socket.socket:
    server = stack.enter_context(socket.socket(family))
    server.bind(address)
    server.listen()

    def greet() -> None:
        with contextlib.suppress(OSError):
            while True:
                server.accept()[0].sendall(b"hello")

    threading.Thread(target=greet, daemon=True).start()
    return server


def _answer(udp: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            udp.sendto(b"hello", udp.recvfrom(10)[1])


def _attack(folder: Path, level: str, scene: dict[str, Any]) -> dict[str, Any]:
    base = folder / "base"
    text = orjson.dumps(scene).decode()
    secret = f"{folder}/outside/secret.txt"
    steps: list[dict[str, Any]] = [
        {"id": "early", "component": "test.stasher"},
        {"id": "attack", "component": "test.attacker", "config": {"scene": text}},
    ]
    for do in WRITERS:
        config = {"do": do, "path": f"out/{do}/file.csv", "scene": secret}
        steps.append({"id": do, "component": "test.writer", "needs": ["attack"], "config": config})
    steps += [
        {"id": "wait", "component": "test.waiter", "config": {"scene": f"{folder}/outside/planted"}},
        {"id": "later", "component": "test.stasher"},
    ]
    document = {"oml_version": "0.1.0", "name": "attacks", "steps": steps}
    compiled = compile_pipeline(orjson.dumps(document).decode(), str(base / "pipeline.yaml"), COMPONENTS)
    passwords = {name: f"pw-of-{name}-step-{secrets.token_hex(8)}" for name in ("early", "attack", "later")}
    request = RunRequest(
        compiled,
        settings.read({"E2B_FORCE_SPILL": "1"}),
        base / "logs",
        base,
        time.time,
        components=COMPONENTS,
        connections=Connections(
            {name: {"password": password} for name, password in passwords.items()},
            tuple(passwords.values()),
        ),
        private=(base / "cache",),
    )
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    outcome = run(request, Stdio(environment, level))  # type: ignore[arg-type]  # a level
    path = outcome.path
    results = orjson.loads((path / "artifacts/attack/results.json").read_bytes())
    return {
        "reason": outcome.reason,
        "run": str(path),
        "uid": os.geteuid(),
        "own_secret_found": results.pop("controls"),
        "attacks": {
            **results,
            **{f"output_{do}": _succeeded(do, base, secret) for do in WRITERS},
            "plant_run_card": any((folder / "outside/planted").iterdir()),
            "leave_process": _end_processes(scene["abstract"]),
            "stay_in_worker": (path / "artifacts/attack/stolen").exists(),
            "leave_core": any(base.rglob("core*")),
            "secret_in_log": any(_has_secret(file) for file in path.rglob("*") if file.name not in _DATA),
            "secret_in_data": any(_has_secret(file) for file in path.rglob("*") if file.name in _DATA),
        },
    }


def _succeeded(do: str, base: Path, secret: str) -> bool:
    """Return True if an attack of a writer left something else than the file that it may write."""
    target = base / "out" / do / "file.csv"
    if Path(secret).read_text() != "of the host":
        return True
    if do == "leave_more":
        return (target.parent / "conftest.py").exists()
    if target.parent.is_symlink():
        return True
    if not os.path.lexists(target):
        return False
    if target.is_symlink() or not target.is_file():
        return True
    return bool(target.stat().st_mode & 0o6000) or target.read_text() not in ("written", "raced")


def _end_processes(mark: str) -> bool:
    """End the processes with a mark in their arguments; return True if there is one."""
    found = False
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().endswith(f"# {mark}\0".encode()):
                os.kill(int(path.parent.name), signal.SIGKILL)
                found = True
    return found


def _has_secret(file: Path) -> bool:
    return file.is_file() and re.search(rb"pw-of-\w+-step-[0-9a-f]{16}", file.read_bytes()) is not None


if __name__ == "__main__":
    main()
