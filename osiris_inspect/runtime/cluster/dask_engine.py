"""Engine on Dask distributed: a cluster at an address, or one of several processes on this machine.

Dask runs a task again when its machine is lost, also if it has ended. The claims of the nodes make that harmless.
Arguments of tasks can appear in logs of Dask, so a task has bytes without secrets, and the function is sent by value,
so that the scheduler needs none of this package.
"""

import ipaddress
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.model.errors import ProtocolError, SettingsError
from osiris_inspect.runtime.cluster.chain_request import ChainRequest, ChainResult, ChainSecrets
from osiris_inspect.runtime.cluster.engine import (
    Engine,
    EngineEvent,
    EngineLost,
    LinesReceived,
    Machine,
    MachineChanged,
    SecretsWanted,
    TaskDone,
    TaskLost,
    TaskRequest,
)
from osiris_inspect.runtime.cluster.node import Node
from osiris_inspect.runtime.cluster.shared_store import SharedStore

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

_TOPIC: Final = "osiris"
_MACHINES_TOPIC: Final = "all"
_SECRETS_TIMEOUT_S: Final = 30.0
_CLOSE_TIMEOUT_S: Final = 10.0
_START_FIX: Final = (
    "start workers that have it (dask worker --memory-limit 32GB --resources cpus=8,gpu=1), or change memory or machine of "
    "the step"
)
_PREFIX: Final = "osiris-step"
"""Prefix of all keys: Dask knows how long tasks with it took, so that idle machines take over waiting ones."""


class Sealed:
    """Secrets on their way to a machine; ``repr`` shows no value, also in a log of Dask."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __repr__(self) -> str:
        return "<sealed>"


class TaskResult:
    """Result of a task; Dask sees the bytes of the frames on the shared store as its size."""

    def __init__(self, data: bytes, size: int) -> None:
        self.data, self.size = data, size

    def __sizeof__(self) -> int:
        return self.size

    def __repr__(self) -> str:
        return f"<result, {self.size} bytes of frames>"


class DaskEngine(Engine):
    """Connection to a scheduler at ``address``, or to a cluster of ``machines`` processes that it starts.

    Raises:
        SettingsError: the packages are not installed.
    """

    name = "dask"

    def __init__(
        self, address: str | None = None, machines: int = 2, *, allow_insecure: bool = False
    ) -> None:
        if find_spec("distributed") is None:
            raise SettingsError(
                "cannot use --on dask: distributed is not installed",
                kind="dependency-missing",
                fix=f"run {install_extras_command('cluster')}",
                modules=["distributed"],
            )
        self._address, self._count, self._allow_insecure = address, machines, allow_insecure
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None
        self._futures: dict[str, Any] = {}
        self._attempts: dict[str, int] = {}
        self._allowed: dict[str, set[str]] = {}
        self._events: queue.Queue[EngineEvent] = queue.Queue()
        self._is_lost = False

    @property
    def details(self) -> Mapping[str, Any]:
        """Versions and address, for the log."""
        address = self._address or (self._cluster.scheduler_address if self._cluster else None)
        return {"engine": self.name, "version": version("distributed"), "scheduler": address}

    @property
    def can_send_secrets(self) -> bool:
        """True if connections to all machines are encrypted or stay on this machine."""
        if self._address is None or self._allow_insecure:
            return True
        parts = urlsplit(self._address)
        return parts.scheme == "tls" or _is_loopback(parts.hostname or "")

    def open(self, timeout_s: float) -> None:
        """Connect, again if the connection was lost."""
        from distributed import Client, LocalCluster
        from distributed.security import Security

        self._drop_client()
        try:
            if self._address is None and self._cluster is None:
                self._cluster = LocalCluster(
                    n_workers=self._count,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",  # None takes port 8787, and warns if it is in use
                    security=Security.temporary(),
                    silence_logs=50,
                )
            elif self._address is None:
                raise ProtocolError("the local cluster has ended", kind="engine-lost", fix="resume the run")
            target = self._cluster or self._address
            self._client = client = Client(target, timeout=timeout_s, set_as_default=False)
            client.wait_for_workers(1, timeout=timeout_s)
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            self._drop_client()
            raise ProtocolError(
                f"cannot reach the scheduler {self._address or 'of the local cluster'}: {error or 'no answer'}",
                kind="engine-lost",
                fix="check --scheduler, and that its workers have started",
                address=self._address,
            ) from error
        self._check_versions(client)
        self._is_lost = False
        client.subscribe_topic(_TOPIC, self._take_message)
        client.subscribe_topic(_MACHINES_TOPIC, self._take_machine)

    def machines(self) -> tuple[Machine, ...]:
        """Return the machines that are known now."""
        workers = self._connected.scheduler_info(n_workers=-1)["workers"]
        return tuple(
            Machine(
                str(entry["name"]),
                address,
                entry["nthreads"],
                entry.get("memory_limit") or None,
                entry.get("resources") or {},
            )
            for address, entry in workers.items()
        )

    def submit(self, request: TaskRequest) -> None:
        """Queue an attempt."""

        def step(data: bytes, *_inputs: Any) -> Any:  # sent by value: the scheduler unpickles it
            from osiris_inspect.runtime.cluster.dask_engine import run_task

            return run_task(data)

        is_placed = request.memory_bytes is not None or request.resources
        workers = self._machines_for(request) if is_placed else None
        self._attempts[request.chain] = request.attempt
        self._allowed.pop(request.chain, None)
        if workers is not None:
            self._allowed[request.chain] = set(workers)
        future = self._connected.submit(
            step,
            request.data,
            *(self._futures[name] for name in request.inputs if name in self._futures),
            key=f"{_PREFIX}-{request.run}-{request.chain}-{request.attempt}",
            pure=False,
            retries=0,
            priority=request.priority,
            workers=workers,
            resources=dict(request.resources) or None,
        )
        self._futures[request.chain] = future
        future.add_done_callback(_done_callback(self._take_future, request.chain, request.attempt))

    def _machines_for(self, request: TaskRequest) -> list[str]:
        """Return the addresses of the workers of Dask that have the memory and the resources of an attempt."""
        machines = self.machines()
        found = [
            each.address
            for each in machines
            if (each.memory_bytes is None or each.memory_bytes >= (request.memory_bytes or 0))
            and all(each.resources.get(name, 0) >= count for name, count in request.resources.items())
        ]
        if not found:
            needed = [f"{name}={count:g}" for name, count in request.resources.items()]
            if request.memory_bytes is not None:
                needed.append(f"{request.memory_bytes:,} bytes of memory")
            raise ProtocolError(
                f"no machine of the cluster has {' and '.join(needed)}; it has {_described(machines)}",
                kind="machine-missing",
                fix=_START_FIX,
            )
        return found

    def poll(self, timeout_s: float) -> EngineEvent | None:
        """Return the next event."""
        deadline = monotonic() + timeout_s
        while True:
            wait = max(0.0, min(0.2, deadline - monotonic()))
            try:
                return self._events.get(timeout=wait)
            except queue.Empty:
                pass
            if not self._is_lost and self._connected.status != "running":
                self._is_lost = True
                return EngineLost(f"the connection to the scheduler {self.details['scheduler']} was lost")
            if monotonic() >= deadline:
                return None

    def cancel(self, chain: str) -> None:
        """Cancel the last attempt of a chain."""
        future = self._futures.pop(chain, None)
        if future is not None and not self._is_lost:
            future.cancel(force=True)

    def send_secrets(self, run: str, chain: str, address: str, secrets: ChainSecrets) -> None:
        """Send the secrets of a chain to one machine."""

        def accept(run: str, chain: str, sealed: Any) -> None:
            from osiris_inspect.runtime.cluster.dask_engine import accept_secrets

            accept_secrets(run, chain, sealed)

        self._connected.run(
            accept, run, chain, Sealed(secrets.encode()), workers=[address], on_error="ignore"
        )

    def check_machines(self, shared: str | None) -> Mapping[str, Mapping[str, Any]]:
        """Return the report of ``check_machine`` by address; ``{"error": reason}`` of a machine where it failed.

        Raises:
            SettingsError: the shared store cannot be used.
        """

        def check(shared: str | None) -> Any:
            from osiris_inspect.runtime.cluster.machine_check import check_machine

            return check_machine(shared)

        url = None if shared is None else SharedStore(shared).url
        reports = self._connected.run(check, url, on_error="return")
        return {
            address: report
            if isinstance(report, Mapping)
            else {"error": f"{type(report).__name__}: {report}"}
            for address, report in reports.items()
        }

    def close(self, run: str) -> None:
        """End the workers of a run on all machines, and the connection."""
        client = self._client
        if client is not None and client.status == "running":
            self._end_run(client, run)
        self._drop_client()
        if self._cluster is not None:
            self._cluster.close(timeout=_CLOSE_TIMEOUT_S)
            self._cluster = None

    def _end_run(self, client: "Client", run: str) -> None:
        async def end(run: str) -> None:
            from asyncio import to_thread

            from osiris_inspect.runtime.cluster.dask_engine import end_run

            await to_thread(end_run, run)

        def forget(dask_scheduler: Any) -> None:  # topics are kept for ever
            dask_scheduler._broker.truncate("osiris")

        futures = list(self._futures.values())
        self._futures.clear()
        try:
            client.cancel(futures, force=True)
            for topic in (_TOPIC, _MACHINES_TOPIC):
                client.unsubscribe_topic(topic)
            client.run(end, run, on_error="ignore")
            client.run_on_scheduler(forget)
        except (OSError, TimeoutError, RuntimeError):
            return  # the scheduler has just ended, and the machines end the steps themselves

    def _drop_client(self) -> None:
        client, self._client = self._client, None
        self._futures.clear()
        if client is not None:
            client.close(timeout=_CLOSE_TIMEOUT_S)

    @property
    def _connected(self) -> "Client":
        if self._client is None:
            raise ProtocolError("the engine was not opened, or it was closed", kind="engine-lost")
        return self._client

    def _check_versions(self, client: "Client") -> None:
        found = client.get_versions(check=False)
        own = {name: found["client"]["packages"].get(name) for name in ("python", "distributed")}
        others = {"the scheduler": found["scheduler"], **found["workers"]}
        for name, entry in others.items():
            for package, expected in own.items():
                other = (entry or {}).get("packages", {}).get(package)
                if _comparable(package, other) != _comparable(package, expected):
                    raise ProtocolError(
                        f"{package} is {other} on {name} and {expected} here",
                        kind="version-mismatch",
                        fix="install the same versions on all machines",
                    )

    # --- messages, in threads of Dask

    def _take_message(self, event: tuple[float, Any]) -> None:
        message = event[1]
        if not isinstance(message, Mapping):
            return
        chain, attempt = str(message["chain"]), int(message["attempt"])
        if self._attempts.get(chain) != attempt or not str(message["key"]).startswith(
            f"{_PREFIX}-{message['run']}-"
        ):
            return
        if message.get("wants_secrets"):
            self._events.put(SecretsWanted(chain, attempt, str(message["address"])))
        else:
            node, address = str(message["node"]), str(message["address"])
            lines = [bytes(line) for line in message["lines"]]
            self._events.put(LinesReceived(chain, attempt, node, address, int(message["first"]), lines))

    def _take_machine(self, event: tuple[float, Any]) -> None:
        message = event[1]
        action = message.get("action") if isinstance(message, Mapping) else None
        if action in ("add-worker", "remove-worker"):
            name = "joined" if action == "add-worker" else "left"
            address = str(message["worker"])
            self._events.put(MachineChanged(name, address))
            if name == "left":
                self._report_unplaced(address)

    def _report_unplaced(self, left: str) -> None:
        """Report the tasks for which no machine is left: Dask would wait minutes for one of the same address."""
        for chain, addresses in list(self._allowed.items()):
            addresses.discard(left)
            if not addresses:
                self._allowed.pop(chain, None)
                reason = f"{left} left the cluster, the last machine that has what the step needs"
                self._events.put(TaskLost(chain, self._attempts[chain], reason))

    def _take_future(self, future: Any, chain: str, attempt: int) -> None:
        is_current = self._attempts.get(chain) == attempt and self._futures.get(chain) is future
        if not is_current:
            return
        try:
            if future.status == "finished":
                result = ChainResult.decode(future.result(timeout=_CLOSE_TIMEOUT_S).data)
                self._events.put(TaskDone(chain, attempt, result))
            elif future.status == "error":
                self._events.put(TaskLost(chain, attempt, f"{future.exception(timeout=_CLOSE_TIMEOUT_S)}"))
            elif self._client is not None and self._client.status == "running":
                self._events.put(TaskLost(chain, attempt, f"the engine {future.status} the task"))
        except Exception as error:  # noqa: BLE001  the connection may end at any point; the loss is reported
            self._events.put(TaskLost(chain, attempt, f"its result did not arrive: {error}"))


def _done_callback(take: Callable[[Any, str, int], None], chain: str, attempt: int) -> Callable[[Any], None]:
    return lambda future: take(future, chain, attempt)


def _comparable(package: str, text: Any) -> Any:
    """Return the part of a version that must be equal: of Python the first two numbers."""
    return ".".join(str(text).split(".")[:2]) if package == "python" else text


def _described(machines: Iterable[Machine]) -> str:
    """Return the three most common kinds of machines by memory and resources, each with its number."""
    kinds: Counter[str] = Counter()
    for each in machines:
        size = "no limit" if each.memory_bytes is None else f"{each.memory_bytes:,} bytes"
        resources = (f", {name}={count:g}" for name, count in each.resources.items())
        kinds[f"{size} of memory{''.join(resources)}"] += 1
    return "; ".join(f"{count} with {kind}" for kind, count in kinds.most_common(3))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- on a machine


class _Machine:
    """State of the process of a machine: a node for each thread, and the secrets that wait for their chain."""

    def __init__(self) -> None:
        self.nodes: dict[int, tuple[str, Node]] = {}
        self.secrets: dict[tuple[str, str], ChainSecrets] = {}
        self.condition = threading.Condition()


_machine = _Machine()


def run_task(data: bytes) -> TaskResult:
    """Run a chain in a thread of a Dask worker.

    Raises:
        ProtocolError: the shared store cannot be reached.
        OSError: the disk refused.
    """
    from distributed import get_worker
    from distributed.core import Status

    worker, request = get_worker(), ChainRequest.decode(data)
    key = worker.get_current_task()
    run, node = _machine.nodes.get(threading.get_ident(), ("", None))
    if node is None or run != request.run:
        if node is not None:
            node.close()
        node = Node()
        _machine.nodes[threading.get_ident()] = (request.run, node)
    message = {
        "run": request.run,
        "chain": request.chain,
        "attempt": request.attempt,
        "node": node.name,
        "address": worker.address,
        "key": str(key),
    }

    def get_secrets() -> ChainSecrets | None:
        worker.log_event(_TOPIC, {**message, "wants_secrets": True})
        with _machine.condition:
            place = (request.run, request.chain)
            _machine.condition.wait_for(lambda: place in _machine.secrets, _SECRETS_TIMEOUT_S)
            return _machine.secrets.pop(place, None)

    def send(first: int, batch: list[bytes]) -> None:
        worker.log_event(_TOPIC, {**message, "first": first, "lines": batch})

    def should_stop() -> bool:
        task = worker.state.tasks.get(key)
        return worker.status != Status.running or task is None or task.state != "executing"

    result = node.run(request, get_secrets, send, should_stop)
    return TaskResult(result.encode(), result.frame_bytes)


def accept_secrets(run: str, chain: str, sealed: Sealed) -> None:
    """Keep the secrets of a chain on this machine until its task takes them."""
    with _machine.condition:
        _machine.secrets[run, chain] = ChainSecrets.decode(sealed.data)
        _machine.condition.notify_all()


def end_run(run: str) -> None:
    """End the workers of a run on this machine after their chains, and drop its secrets."""
    for thread, (name, node) in list(_machine.nodes.items()):
        if name == run:
            del _machine.nodes[thread]
            node.close()
    with _machine.condition:
        for place in [place for place in _machine.secrets if place[0] == run]:
            del _machine.secrets[place]
