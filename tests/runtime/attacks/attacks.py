"""Hostile drivers. Each attack returns a true value if it succeeded, and raises or returns a false one if not."""

import contextlib
import ctypes
import gc
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any, TypeVar

import orjson
import pandas as pd

Attack = Callable[..., Any]
F = TypeVar("F", bound=Attack)
ATTACKS: dict[str, tuple[str, Attack]] = {}
"""Name of an attack to its row in the README's table and its function."""
SECRET = r"pw-of-{}-step-[0-9a-f]{{16}}"

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_USER = 0x10000000
_STASH = "stash_of_an_earlier_step"


def attack(row: str) -> Callable[[F], F]:
    """Add an attack to a row of the table."""

    def add(function: F) -> F:
        ATTACKS[function.__name__] = (row, function)
        return function

    return add


class Attacker:
    """Tries every attack and writes the results as an artifact."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        scene = SimpleNamespace(**orjson.loads(config["scene"]), ctx=ctx, config=config)
        results: dict[str, bool] = {}
        for name, (_, function) in ATTACKS.items():
            try:
                results[name] = bool(function(scene))
            except Exception as error:  # noqa: BLE001  that it fails is the aim
                results[name] = False
                sys.stderr.write(f"{name}: {type(error).__name__}: {error}\n")
        results["controls"] = (
            search_memory(scene, "attack")
            and search_objects(scene, "attack")
            and search_frames(scene, "attack")
        )
        (ctx.artifacts / "results.json").write_bytes(orjson.dumps(results))
        password = config["resolved_connection"]["password"]
        frame = pd.DataFrame({"n": [1], "note": [password]})
        frame.attrs["password"] = password
        frame.index.name = None
        print("my password is", password)
        os.write(1, password[:9].encode())
        os.write(1, password[9:].encode() + b"\n")
        return {"df": frame}


class Stasher:
    """Leaves its secret in the memory of the worker."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        sys.modules[_STASH] = SimpleNamespace(secret=config["resolved_connection"]["password"])  # type: ignore[assignment]
        return {"df": pd.DataFrame({"n": [1]})}


class Waiter:
    """Waits for the attacks of earlier steps, then plants a link where the host writes the run card."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        time.sleep(1.5)
        system = ctx.artifacts.parent / "_system"
        with contextlib.suppress(OSError):
            system.rename(ctx.artifacts / "moved")
            system.symlink_to(config["scene"])
        return {"df": pd.DataFrame({"n": [1]})}


class HostileWriter:
    """Writes its output in the way that ``do`` says."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        from osiris_inspect.runtime.drivers.interface.file_paths import output_file

        with output_file(config, ctx) as path:
            path.write_text("written")
        staged = next(iter(ctx.outputs.values())).path if ctx.outputs else ctx.base / config["path"]
        getattr(self, config["do"])(staged, config, ctx)
        return {"rows_written": 1}

    def leave_link(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        staged.unlink()
        staged.symlink_to(config["scene"])

    def leave_fifo(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        staged.unlink()
        os.mkfifo(staged)

    def leave_folder(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        staged.unlink()
        staged.mkdir()

    def leave_more(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        (staged.parent / "conftest.py").write_text("raise SystemExit")

    def replace_folder(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        staged.parent.rename(staged.parent.with_name("moved"))
        staged.parent.symlink_to(Path(config["scene"]).parent)

    def keep_second_name(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        second = ctx.artifacts / "second"
        os.link(staged, second)
        _write_later(os.open(second, os.O_WRONLY))

    def keep_open(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        _write_later(os.open(staged, os.O_WRONLY))

    def set_user_id(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        staged.chmod(0o4755)

    def race(self, staged: Path, config: Mapping[str, Any], ctx: Any) -> None:
        """Replace the file by a link and back, as fast as possible, until the worker ends."""

        def swap() -> None:
            link = staged.with_name("link")
            while True:
                with contextlib.suppress(OSError):
                    link.symlink_to(config["scene"])
                    link.rename(staged)
                    staged.with_name("file").write_text("raced")
                    staged.with_name("file").rename(staged)

        threading.Thread(target=swap, daemon=True).start()


def _write_later(descriptor: int) -> None:
    def write() -> None:
        time.sleep(1.0)
        os.pwrite(descriptor, b"changed", 0)

    threading.Thread(target=write, daemon=False).start()


# --- files of the host

OTHER_FILES = "read other files of the host"
HIDDEN_FILES = "read `.env`, `osiris_connections.yaml`, `.git`, the pipeline, the cache and other runs"
NESTED_FILES = "read files of these names in subfolders"
NAMES = "list the names in hidden folders, and see sizes and times of hidden files"


@attack(OTHER_FILES)
def read_file_outside(scene: SimpleNamespace) -> Any:
    return Path(scene.outside, "secret.txt").read_text() == "of the host"


@attack(OTHER_FILES)
def read_password_database(scene: SimpleNamespace) -> Any:
    return "root:" in Path("/etc/passwd").read_text()


@attack(OTHER_FILES)
def read_file_through_link(scene: SimpleNamespace) -> Any:
    link = scene.ctx.artifacts / "link"
    link.symlink_to(Path(scene.outside, "secret.txt"))
    return link.read_text()


@attack(OTHER_FILES)
def read_file_through_root_of_process(scene: SimpleNamespace) -> Any:
    return Path(f"/proc/{os.getpid()}/root{scene.outside}/secret.txt").read_text()


@attack(OTHER_FILES)
def read_file_by_second_name(scene: SimpleNamespace) -> Any:
    second = scene.ctx.artifacts / "second_name"
    os.link(Path(scene.outside, "secret.txt"), second)
    return second.read_text()


@attack(OTHER_FILES)
def read_file_in_child(scene: SimpleNamespace) -> Any:
    return subprocess.run(["cat", f"{scene.outside}/secret.txt"], capture_output=True, check=True).stdout


@attack(HIDDEN_FILES)
def read_env_file(scene: SimpleNamespace) -> Any:
    return "=" in Path(scene.base, ".env").read_text()


@attack(HIDDEN_FILES)
def read_connections_file(scene: SimpleNamespace) -> Any:
    return "connections" in Path(scene.base, "osiris_connections.yaml").read_text()


@attack(HIDDEN_FILES)
def read_git_folder(scene: SimpleNamespace) -> Any:
    return "[core]" in Path(scene.base, ".git/config").read_text()


@attack(HIDDEN_FILES)
def read_pipeline_file(scene: SimpleNamespace) -> Any:
    return "oml" in Path(scene.base, "pipeline.yaml").read_text()


@attack(HIDDEN_FILES)
def read_cache(scene: SimpleNamespace) -> Any:
    return Path(scene.base, "cache/index").read_text()


@attack(HIDDEN_FILES)
def read_other_run(scene: SimpleNamespace) -> Any:
    return Path(scene.other_run, "events.jsonl").read_text()


@attack(HIDDEN_FILES)
def read_env_file_by_second_name(scene: SimpleNamespace) -> Any:
    second = scene.ctx.artifacts / "env"
    os.link(Path(scene.base, ".env"), second)
    return second.read_text()


@attack(HIDDEN_FILES)
def read_env_file_through_link(scene: SimpleNamespace) -> Any:
    link = scene.ctx.artifacts / "env_link"
    link.symlink_to(os.path.relpath(Path(scene.base, ".env"), link.parent))
    return "=" in link.read_text()


@attack(NAMES)
def list_other_runs(scene: SimpleNamespace) -> Any:
    return Path(scene.other_run) in Path(scene.other_run).parent.iterdir()


@attack(NAMES)
def see_size_of_hidden_file(scene: SimpleNamespace) -> Any:
    return Path(scene.base, ".env").stat().st_size


@attack(NESTED_FILES)
def read_env_file_in_subfolder(scene: SimpleNamespace) -> Any:
    return Path(scene.base, "service/.env").read_text()


# --- writing

PIPES = "write into a named pipe in the folder of the pipeline"
ATTRIBUTES = "change modes, times and attributes of files of its user"
BESIDE = "change or create files in the folder of the pipeline"
ELSEWHERE = "change files elsewhere"
OWN_LOG = "change the log of its own run"
OWN_OUTPUT = "change its own output after the step, while the worker runs"
PLANTED_OUTPUT = "place a link, a pipe or a folder where the host moves an output into place"
PLANTED_CARD = "place a link where the host writes the run card"


def _append(path: Path) -> bool:
    with path.open("a") as file:
        file.write("#")
    return True


@attack(BESIDE)
def change_env_file(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.base, ".env"))


@attack(BESIDE)
def change_pipeline_file(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.base, "pipeline.yaml"))


@attack(BESIDE)
def change_input_file(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.base, "movies.csv"))


@attack(BESIDE)
def create_conftest(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.base, "conftest.py"))


@attack(BESIDE)
def create_git_hook(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.base, ".git/hooks/pre-commit"))


@attack(BESIDE)
def rename_input_file(scene: SimpleNamespace) -> Any:
    path = Path(scene.base, "renamed.csv")
    path.rename(scene.ctx.artifacts / "renamed.csv")
    return True


@attack(BESIDE)
def change_other_run(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.other_run, "events.jsonl"))


@attack(PIPES)
def write_into_named_pipe(scene: SimpleNamespace) -> Any:
    descriptor = os.open(Path(scene.base, "pipe"), os.O_WRONLY | os.O_NONBLOCK)
    try:
        return os.write(descriptor, b"x")
    finally:
        os.close(descriptor)


@attack(ATTRIBUTES)
def change_mode_of_hidden_file(scene: SimpleNamespace) -> Any:
    path = Path(scene.base, ".env")
    path.chmod(stat.S_IMODE(path.stat().st_mode) ^ stat.S_IWOTH)
    return True


@attack(ATTRIBUTES)
def change_mode_of_open_file(scene: SimpleNamespace) -> Any:
    with Path(scene.base, "movies.csv").open("rb") as file:
        os.fchmod(file.fileno(), 0o666)
    return True


@attack(ATTRIBUTES)
def change_times_of_file_outside(scene: SimpleNamespace) -> Any:
    os.utime(Path(scene.outside, "secret.txt"), (1, 1))
    return True


@attack(ELSEWHERE)
def create_file_outside(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.outside, "created"))


@attack(ELSEWHERE)
def create_file_in_tmp(scene: SimpleNamespace) -> Any:
    return _append(Path(scene.tmp_file))


@attack(ELSEWHERE)
def change_code_of_worker(scene: SimpleNamespace) -> Any:
    path = Path(orjson.__file__).parent / f"of-attack-{os.getpid()}"
    path.write_text("")
    path.unlink()
    return True


@attack(ELSEWHERE)
def rename_file_outside(scene: SimpleNamespace) -> Any:
    Path(scene.outside, "renamed.txt").rename(Path(scene.outside, "renamed.old"))
    return True


@attack(OWN_LOG)
def change_own_events(scene: SimpleNamespace) -> Any:
    return _append(scene.ctx.artifacts.parents[1] / "metrics.jsonl")


@attack(OWN_LOG)
def create_own_status(scene: SimpleNamespace) -> Any:
    return _append(scene.ctx.artifacts.parents[1] / "status.json.forged")


# --- the kernel

KERNEL = "change settings of the kernel (`/proc/sys`)"
NAMESPACES = "create user namespaces, and mount"
CALLS = "use `io_uring`, BPF, kernel keys and performance events"
SET_ID = "leave a file with the set-user-ID bit"
CORES = "leave a core file"


@attack(KERNEL)
def write_core_pattern(scene: SimpleNamespace) -> Any:
    path = Path("/proc/sys/kernel/core_pattern")
    return path.write_text(path.read_text())


@attack(KERNEL)
def write_overcommit(scene: SimpleNamespace) -> Any:
    path = Path("/proc/sys/vm/overcommit_memory")
    return path.write_text(path.read_text())


def _in_child(function: Callable[[], Any]) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if function() else 1)
        except BaseException:  # noqa: BLE001  the exit code says it
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _call(number: int, *arguments: Any) -> int:
    result: int = _LIBC.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@attack(NAMESPACES)
def unshare_user_namespace(scene: SimpleNamespace) -> Any:
    return _in_child(lambda: _call(272, _NEW_USER) == 0)


@attack(NAMESPACES)
def clone_user_namespace(scene: SimpleNamespace) -> Any:
    def clone() -> bool:
        pid = _call(56, _NEW_USER | signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return True

    return _in_child(clone)


@attack(NAMESPACES)
def unshare_with_program(scene: SimpleNamespace) -> Any:
    return subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=True)


@attack(NAMESPACES)
def mount_over_folder(scene: SimpleNamespace) -> Any:
    folder = scene.ctx.artifacts / "mount"
    folder.mkdir()
    if _LIBC.mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return _LIBC.umount2(str(folder).encode(), 0) == 0


@attack(CALLS)
def set_up_io_uring(scene: SimpleNamespace) -> Any:
    return _call(425, 1, ctypes.create_string_buffer(120)) >= 0


@attack(CALLS)
def add_kernel_key(scene: SimpleNamespace) -> Any:
    return _call(248, b"user", b"of-attack", b"x", 1, -2) >= 0  # of the process


@attack(SET_ID)
def set_user_id_by_chmod(scene: SimpleNamespace) -> Any:
    path = scene.ctx.artifacts / "set_id"
    path.write_text("")
    path.chmod(0o4755)
    return path.stat().st_mode & stat.S_ISUID


@attack(SET_ID)
def set_user_id_by_open(scene: SimpleNamespace) -> Any:
    path = scene.ctx.artifacts / "set_id_opened"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o4755))
    return path.stat().st_mode & stat.S_ISUID


@attack(CORES)
def crash_with_core(scene: SimpleNamespace) -> Any:
    os.chdir(scene.ctx.artifacts)

    def crash() -> None:
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)

    with contextlib.suppress(OSError):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    pid = os.fork()
    if pid == 0:
        crash()
    status = os.waitpid(pid, 0)[1]
    os.chdir(scene.base)
    return os.WCOREDUMP(status)


# --- network

NETWORK = "reach the network"
SOCKETS = "reach sockets of this machine"
PACKETS = "open netlink and raw sockets"


@attack(NETWORK)
def connect_over_tcp(scene: SimpleNamespace) -> Any:
    with socket.create_connection(("127.0.0.1", scene.tcp_port), timeout=2) as connection:
        return connection.recv(5) == b"hello"


@attack(NETWORK)
def send_over_udp(scene: SimpleNamespace) -> Any:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(2)
        sender.sendto(b"leak", ("127.0.0.1", scene.udp_port))
        return sender.recv(5) == b"hello"


@attack(NETWORK)
def connect_over_ipv6(scene: SimpleNamespace) -> Any:
    if not scene.tcp6_port:
        return scene.level == "none"  # this machine has no IPv6
    with socket.create_connection(("::1", scene.tcp6_port), timeout=2) as connection:
        return connection.recv(5) == b"hello"


@attack(SOCKETS)
def connect_to_socket_file(scene: SimpleNamespace) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(f"{scene.outside}/socket")
        return client.recv(5) == b"hello"


@attack(SOCKETS)
def connect_to_abstract_socket(scene: SimpleNamespace) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(f"\0{scene.abstract}")
        return client.recv(5) == b"hello"


@attack(SOCKETS)
def connect_to_socket_file_in_folder(scene: SimpleNamespace) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(f"{scene.base}/socket")
        return client.recv(5) == b"hello"


def _send_from_pair(kind: socket.SocketKind, address: str) -> bool:
    """Send a datagram from a pair of sockets, which can be connected again."""
    first, second = socket.socketpair(socket.AF_UNIX, kind)
    with first, second:
        first.connect(address)
        return first.send(b"leak") == len(b"leak")


@attack(SOCKETS)
def send_datagram_from_pair(scene: SimpleNamespace) -> Any:
    return _send_from_pair(socket.SOCK_DGRAM, f"{scene.base}/datagrams")


@attack(SOCKETS)
def send_datagram_from_raw_pair(scene: SimpleNamespace) -> Any:
    return _send_from_pair(socket.SOCK_RAW, f"{scene.outside}/datagrams")


@attack(SOCKETS)
def send_datagram_to_abstract_socket(scene: SimpleNamespace) -> Any:
    return _send_from_pair(socket.SOCK_DGRAM, f"\0{scene.abstract}-datagrams")


@attack(PACKETS)
def open_netlink_socket(scene: SimpleNamespace) -> Any:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()
    return True


# --- other processes

SIGNALS = "send signals to other processes, and limit them"
OUTLIVING = "leave a process that goes on after the run"
PROCESSES = "read other processes"
SHARED = "use shared memory of this machine (`/dev/shm`, System V)"


@attack(SIGNALS)
def signal_other_process(scene: SimpleNamespace) -> Any:
    os.kill(scene.neighbour, signal.SIGCONT)
    return True


@attack(SIGNALS)
def signal_host(scene: SimpleNamespace) -> Any:
    os.kill(scene.host, signal.SIGCONT)
    return True


@attack(SIGNALS)
def signal_by_descriptor(scene: SimpleNamespace) -> Any:
    descriptor = os.pidfd_open(scene.neighbour)
    signal.pidfd_send_signal(descriptor, signal.SIGCONT)
    return True


@attack(SIGNALS)
def limit_other_process(scene: SimpleNamespace) -> Any:
    import resource

    # with a limit of one second of CPU time, the kernel would end it
    resource.prlimit(scene.neighbour, resource.RLIMIT_CPU, (10_000, 10_000))
    return True


@attack(OUTLIVING)
def leave_process(scene: SimpleNamespace) -> Any:
    program = f"import time; time.sleep(60)  # {scene.abstract}"
    subprocess.Popen([sys.executable, "-S", "-c", program], start_new_session=True)
    return False  # it is seen after the run


@attack(PROCESSES)
def search_memory_of_host(scene: SimpleNamespace) -> Any:
    return _is_in_memory(scene.host, "later")


@attack(PROCESSES)
def read_environment_of_process(scene: SimpleNamespace) -> Any:
    return b"of_neighbour" in Path(f"/proc/{scene.neighbour}/environ").read_bytes()


@attack(PROCESSES)
def read_command_of_process(scene: SimpleNamespace) -> Any:
    return b"sleep" in Path(f"/proc/{scene.neighbour}/cmdline").read_bytes()


@attack(PROCESSES)
def read_memory_of_process(scene: SimpleNamespace) -> Any:
    with Path(f"/proc/{scene.neighbour}/maps").open() as maps:
        start = int(maps.readline().split("-")[0], 16)
    with Path(f"/proc/{scene.neighbour}/mem").open("rb") as memory:
        memory.seek(start)
        return memory.read(4) == b"\x7fELF"


@attack(PROCESSES)
def read_memory_by_system_call(scene: SimpleNamespace) -> Any:
    class Part(ctypes.Structure):
        _fields_ = (("address", ctypes.c_void_p), ("length", ctypes.c_size_t))

    buffer = ctypes.create_string_buffer(4)
    local = Part(ctypes.addressof(buffer), 4)
    remote = Part(scene.neighbour_address, 4)
    return _call(310, scene.neighbour, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) == 4


@attack(PROCESSES)
def trace_process(scene: SimpleNamespace) -> Any:
    def trace() -> bool:
        attached = _call(101, 16, scene.neighbour, 0, 0) == 0
        os.waitpid(scene.neighbour, 0)
        _call(101, 17, scene.neighbour, 0, 0)
        return attached

    return _in_child(trace)


@attack(PROCESSES)
def list_processes(scene: SimpleNamespace) -> Any:
    return Path(f"/proc/{scene.neighbour}") in Path("/proc").iterdir()


@attack(SHARED)
def read_shared_memory_file(scene: SimpleNamespace) -> Any:
    return Path("/dev/shm", scene.shared_file).read_text()


@attack(SHARED)
def read_system_v_segment(scene: SimpleNamespace) -> Any:
    return _LIBC.shmget(scene.shared_key, 0, 0) >= 0


# --- secrets

LATER = "read secrets of later steps in its process, before they begin"
STAYING = "read secrets of later steps with code that stays in the worker"
EARLIER = "read what an earlier step left in memory"
PASSED = "find secrets in its arguments and variables"


def _secret(of: str) -> re.Pattern[bytes]:
    return re.compile(SECRET.format(of).encode())


@attack(LATER)
def search_memory(scene: SimpleNamespace, step: str = "later") -> Any:
    return _is_in_memory("self", step)


def _is_in_memory(process: int | str, step: str) -> bool:
    with Path(f"/proc/{process}/maps").open() as maps:
        regions = [line.split() for line in maps]
    with Path(f"/proc/{process}/mem").open("rb", 0) as memory:
        for region in regions:
            if "rw" in region[1] and (len(region) < 6 or region[5] == "[heap]"):
                start, end = (int(word, 16) for word in region[0].split("-"))
                if end - start > 256 * 2**20:
                    continue
                with contextlib.suppress(OSError, ValueError, OverflowError):
                    memory.seek(start)
                    if _secret(step).search(memory.read(end - start)):
                        return True
    return False


@attack(STAYING)
def stay_in_worker(scene: SimpleNamespace) -> Any:
    from osiris_inspect.runtime.worker.worker import Worker

    execute: Any = Worker._execute_step
    stolen = scene.ctx.artifacts / "stolen"

    def listen(self: Worker, body: Mapping[str, Any]) -> Any:
        if _secret("later").search(repr(body).encode()):
            stolen.write_text("")
        return execute(self, body)

    Worker._execute_step = listen  # type: ignore[method-assign]
    return False  # it is seen after the run


@attack(LATER)
def search_objects(scene: SimpleNamespace, step: str = "later") -> Any:
    pattern = re.compile(SECRET.format(step))
    for tracked in gc.get_objects():
        for found in gc.get_referents(tracked):  # a dict of texts is not tracked itself
            if isinstance(found, dict):
                with contextlib.suppress(Exception):
                    if any(isinstance(value, str) and pattern.search(value) for value in [*found.values()]):
                        return True
    return False


@attack(LATER)
def search_frames(scene: SimpleNamespace, step: str = "later") -> Any:
    frame: FrameType | None = sys._getframe()
    pattern = re.compile(SECRET.format(step))
    while frame is not None:
        local = frame.f_locals
        if pattern.search(repr(local)) or pattern.search(repr(getattr(local.get("self"), "__dict__", ""))):
            return True
        frame = frame.f_back
    return False


@attack(HIDDEN_FILES)
def read_unused_connection(scene: SimpleNamespace) -> Any:
    text = Path(scene.base, "osiris_connections.yaml").read_text() + Path(scene.base, ".env").read_text()
    return "of-unused-connection" in text


@attack(EARLIER)
def read_stash(scene: SimpleNamespace) -> Any:
    return sys.modules[_STASH].secret


@attack(PASSED)
def search_arguments(scene: SimpleNamespace) -> Any:
    texts = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _readable(path)]
    texts += [Path("/proc/self/cmdline").read_bytes()]
    return any(re.search(rb"pw-of-\w+-step-[0-9a-f]{16}", text) for text in texts)


@attack(PASSED)
def search_variables(scene: SimpleNamespace) -> Any:
    texts = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/environ") if _readable(path)]
    texts += [Path("/proc/self/environ").read_bytes(), repr(dict(os.environ)).encode()]
    return any(re.search(rb"pw-of-\w+-step-[0-9a-f]{16}", text) for text in texts)


def _readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
