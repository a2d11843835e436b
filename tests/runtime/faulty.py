"""Drivers that do what drivers do when they go wrong, and the components that name them."""

import ctypes
import fcntl
import gc
import logging
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.files.atomic_replace import replace_file
from osiris_inspect.runtime.pipeline.builtin_components import BUILT_IN
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.protocol import messages
from osiris_inspect.runtime.worker.message_writer import MessageWriter

REPO = Path(__file__).parents[2]
_SYS_CLONE = {"x86_64": 56, "aarch64": 220}.get(platform.machine(), -1)
_CLONE_VFORK = 0x4000
FRAME = pd.DataFrame({"n": [1, 2, 3]})


class Faulty:
    """Does what its configuration says under ``do``, then gives a small frame."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        getattr(self, config["do"])(config, ctx)
        return {"df": FRAME}

    def nothing(self, config: Mapping[str, Any], ctx: Any) -> None:
        pass

    def print_by_every_route(self, config: Mapping[str, Any], ctx: Any) -> None:
        print("printed")
        os.write(1, b"written to descriptor 1\n")
        os.write(1, b'{"type":"event","seq":0,"ts":1.0,"event":"forged"}\n')
        libc = ctypes.CDLL(None)
        libc.puts(b"put by C")
        libc.fflush(None)
        subprocess.run(["echo", "echoed by a child"], check=True)
        sys.stdout.write("half a line")
        sys.stdout.flush()

    def print_traceback(self, config: Mapping[str, Any], ctx: Any) -> None:
        try:
            config["temp"]
        except KeyError:
            traceback.print_exc()

    def warn(self, config: Mapping[str, Any], ctx: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("stopped after 10 pages", stacklevel=1)

    def read_stdin(self, config: Mapping[str, Any], ctx: Any) -> None:
        assert os.read(0, 10) == b""
        assert subprocess.run(["cat"], capture_output=True, check=True).stdout == b""

    def sys_exit(self, config: Mapping[str, Any], ctx: Any) -> None:
        sys.exit(7)

    def os_exit(self, config: Mapping[str, Any], ctx: Any) -> None:
        os._exit(7)

    def segfault(self, config: Mapping[str, Any], ctx: Any) -> None:
        ctypes.string_at(0)

    def kill_9(self, config: Mapping[str, Any], ctx: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def kill_9_while_writing(self, config: Mapping[str, Any], ctx: Any) -> None:
        (ctx.artifacts / "output.parquet.tmp").write_text("half")
        with replace_file(Path(config["path_outside"])) as part:
            part.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)

    def kill_9_with_grandchild(self, config: Mapping[str, Any], ctx: Any) -> None:
        if os.fork() == 0:  # holds every descriptor of the worker, the wire too
            time.sleep(300)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)

    def allocate(self, config: Mapping[str, Any], ctx: Any) -> None:
        bytearray(1 << 36)

    def fork_and_return(self, config: Mapping[str, Any], ctx: Any) -> None:
        child = os.fork()
        if child != 0:
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    def fork_and_count(self, config: Mapping[str, Any], ctx: Any) -> None:
        child = os.fork()
        for number in range(100):
            ctx.metric("beat", number)
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        for number in range(100, 200):
            ctx.metric("beat", number)

    def fail_twice(self, config: Mapping[str, Any], ctx: Any) -> None:
        """Fail with a lost connection, or the kind of the configuration, until the third time."""
        marks = ctx.artifacts / "attempts"
        number = int(marks.read_text()) if marks.exists() else 0
        marks.write_text(str(number + 1))
        if number < 2:
            raise DriverError("the server closed the connection", kind=str(config["words"]))

    def signal_child(self, config: Mapping[str, Any], ctx: Any) -> None:
        child = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 10)"], check=False)
        (ctx.artifacts / "code").write_text(str(child.returncode))

    def hang(self, config: Mapping[str, Any], ctx: Any) -> None:
        while True:
            time.sleep(0.05)

    def hang_against_term(self, config: Mapping[str, Any], ctx: Any) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        subprocess.Popen(["sleep", "300"])
        self.hang(config, ctx)

    def plant(self, config: Mapping[str, Any], ctx: Any) -> None:
        """Put an entry of the kind ``words`` in the place of the file ``path`` of the run directory."""
        run = ctx.artifacts.parents[1]
        entry, outside = run / config["path"], Path(config["path_outside"])
        entry.parent.mkdir(parents=True, exist_ok=True)
        if entry.is_dir():
            shutil.rmtree(entry)
        entry.unlink(missing_ok=True)
        match config["words"]:
            case "link":
                entry.symlink_to(outside)
            case "pipe":
                os.mkfifo(entry)
            case "directory":
                (entry / "full").mkdir(parents=True)
            case "file":
                entry.write_text("forged")

    def stop_itself(self, config: Mapping[str, Any], ctx: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def stop_and_hang(self, config: Mapping[str, Any], ctx: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        self.hang(config, ctx)

    def hold_gil(self, config: Mapping[str, Any], ctx: Any) -> None:
        ctypes.PyDLL(None).sleep(300)

    def hold_gil_in_uninterruptible_call(self, config: Mapping[str, Any], ctx: Any) -> None:
        # like vfork: the kernel suspends the parent until the child ends; the child has its own memory
        if ctypes.PyDLL(None).syscall(_SYS_CLONE, _CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
            time.sleep(300)
            os._exit(0)

    def deadlock(self, config: Mapping[str, Any], ctx: Any) -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    def wait_on_socket(self, config: Mapping[str, Any], ctx: Any) -> None:
        mine, other = socket.socketpair()
        with mine, other:
            mine.recv(1)

    def compute(self, config: Mapping[str, Any], ctx: Any) -> None:
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            pass

    def report_rows(self, config: Mapping[str, Any], ctx: Any) -> None:
        until, rows = time.monotonic() + 3.0, 0
        while time.monotonic() < until:
            ctx.progress(rows := rows + 1)
            time.sleep(0.05)

    def huge_error(self, config: Mapping[str, Any], ctx: Any) -> None:
        raise ValueError("x" * (65 << 20))

    def odd_metrics(self, config: Mapping[str, Any], ctx: Any) -> None:
        for number, value in enumerate(
            [np.int64(3), np.float32(0.5), float("nan"), np.inf, None, "text", 1 << 80]
        ):
            ctx.metric(f"metric_{number}", value)

    def odd_error(self, config: Mapping[str, Any], ctx: Any) -> None:
        raise _Unspeakable

    def surrogates(self, config: Mapping[str, Any], ctx: Any) -> None:
        raise ValueError("a name that is no text: \udcff")

    def tell_much(self, config: Mapping[str, Any], ctx: Any) -> None:
        for number in range(int(config.get("times") or 1000)):
            ctx.metric("beat", number)

    def look_around(self, config: Mapping[str, Any], ctx: Any) -> None:
        (ctx.artifacts / "seen.json").write_text(repr(_seen(config)))

    def spill_secret(self, config: Mapping[str, Any], ctx: Any) -> None:
        secret = config["words"]
        print("my password is", secret)
        logging.getLogger("faulty").info("my token is %s", secret)
        sys.stderr.write(f"again {secret}\n")
        os.write(1, secret[:4].encode())
        os.write(1, secret[4:].encode())
        ctx.metric(f"rows of {secret}", 1)
        try:
            raise KeyError({"url": f"mysql://u:{secret}@host"})
        except KeyError as error:
            raise ValueError(f"SELECT '{secret}'") from error

    def print_length(self, config: Mapping[str, Any], ctx: Any) -> None:
        connection = config["resolved_connection"]
        print(f"{len(config['words'])} characters, {len(connection['password'])} in the connection")

    def speak_on_the_wire(self, config: Mapping[str, Any], ctx: Any) -> None:
        """Writes where nobody may: on every pipe of the process beyond the three everybody has."""
        data = _NO_MESSAGES[config["words"]]
        size = 1 if config["words"] == "one byte at a time" else len(data)
        for wire in _pipes_to_write():
            for start in range(0, len(data), size):
                _write_whole(wire, data[start : start + size])

    def send_messages(self, config: Mapping[str, Any], ctx: Any) -> None:
        """Sends lines as the worker does, with the nonce of the run and the next number."""
        writer = next(each for each in gc.get_objects() if isinstance(each, MessageWriter))
        for line in config["words"].encode().replace(b'"NESTED"', b"[" * 500 + b"]" * 500).splitlines():
            with writer._lock:
                writer._write(messages.with_sequence(line, writer._number, writer._nonce) + b"\n")
                writer._number += 1

    def nest_folders(self, config: Mapping[str, Any], ctx: Any) -> None:
        """Leaves folders, too deep for a stack, and closed ones, wherever a worker can write."""
        for folder in (ctx.artifacts, Path(os.environ["TMPDIR"]), *ctx.artifacts.parents[1].glob(".outputs")):
            nest_folders(folder, int(config["times"]))
            (folder / "closed/inner").mkdir(parents=True)
            (folder / "closed").chmod(0)

    def connect_to_socket(self, config: Mapping[str, Any], ctx: Any) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(config["resolved_connection"]["unix_socket"])
            assert client.recv(5) == b"hello"

    def slowly(self, config: Mapping[str, Any], ctx: Any) -> None:
        until = time.monotonic() + 2.0
        number = 0
        while time.monotonic() < until:
            ctx.metric("beat", number)
            number += 1
            time.sleep(0.02)

    def wait(self, config: Mapping[str, Any], ctx: Any) -> None:
        time.sleep(float(config["times"]))

    def log_slowly(self, config: Mapping[str, Any], ctx: Any) -> None:
        step = ctx.artifacts.name
        for _ in range(20):
            logging.getLogger("driver").info("from %s", step)
            time.sleep(0.01)


def nest_folders(folder: Path, depth: int) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("nested", dir_fd=descriptor)
        inner = os.open("nested", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)


_NO_MESSAGES: Mapping[str, bytes] = {
    "garbage": b"no message at all }{\n",
    "not UTF-8": b"\xff\xfe no message\n",
    "JSON of another kind": b'["event"]\n',
    "half a message": b'{"type":"event","seq":0}\n',
    "one byte at a time": b'{"type":"forged","words":"in pieces"}\n',
    "65 MiB": b"x" * (65 << 20) + b"\n",
    "of another run": b'{"nonce":"0123456789abcdef","n":0,"type":"event","seq":0,"ts":1.0,"event":"forged"}\n',
    "of no run": b'{"type":"event","seq":0,"ts":1.0,"event":"forged"}\n',
}


def _pipes_to_write() -> list[int]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            is_pipe = str(entry.readlink()).startswith("pipe:")
            is_written = fcntl.fcntl(int(entry.name), fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
        except OSError:
            continue  # the descriptor that lists
        if is_pipe and is_written and int(entry.name) > 2:
            found.append(int(entry.name))
    return found


def _write_whole(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


class _Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def _seen(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of the host can be reached from where this runs."""
    return {
        "file": _outcome(lambda: Path(config["path_outside"]).read_text()),
        "write": _outcome(lambda: Path(config["path_outside"] + ".new").write_text("x")),
        "list_home": _outcome(lambda: sorted(Path("/root").iterdir())),
        "signal": _outcome(lambda: os.kill(int(config["pid"]), 0)),
        "environ": _outcome(lambda: Path(f"/proc/{config['pid']}/environ").read_bytes()),
        "variables": sorted(os.environ),
        "network": _outcome(lambda: _connect(int(config["port"]))),
        "tmp": _outcome(lambda: sorted(Path("/tmp").iterdir())),
    }


def _outcome(try_it: Any) -> str:
    try:
        return f"reached: {try_it()!r}"
    except OSError as error:
        return f"refused: {type(error).__name__}"


def _connect(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=2):
        return "connected"


def _component(name: str, **more: Any) -> Component:
    keys = tuple(
        ConfigKey(key, "text", "for tests")
        for key in ("do", "path", "path_outside", "pid", "port", "words", "times", "query", "code")
    )
    return Component(
        name=name,
        summary="Goes wrong in a way it is told.",
        driver="tests.runtime.faulty:Faulty",
        modes=("read",),
        keys=keys,
        inputs="none",
        produces_frame=True,
        **more,
    )


COMPONENTS: Mapping[str, Component] = {
    **{component.name: component for component in BUILT_IN},
    "test.faulty": _component("test.faulty"),
    "test.hostile": replace(_component("test.hostile"), driver="tests.runtime.hostile:Hostile"),
    "test.patient": replace(_component("test.patient"), inputs="many"),
    "test.needy": _component("test.needy", requires=("no_such_module_for_sure",), extra="mysql"),
}
