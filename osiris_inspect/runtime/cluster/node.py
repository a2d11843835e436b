"""Node: runs one chain on a machine, at most once under one attempt, and leaves a record on the shared store.

``python -m osiris_inspect.runtime.cluster.node REQUEST`` runs the chain of a request file without an engine: lines go
to stdout, each with its number; the result is the last line. The secrets of the chain, if it has any, are read from
stdin as JSON.

The order on the store is claim, frames and files, record, fate. The claim is created before the worker starts. The
first one to create the fate decides: the node ``done``, or the host ``abandoned``.
"""

import os
import secrets as tokens
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from osiris_inspect.model.errors import OsirisError, ProtocolError
from osiris_inspect.runtime.cluster.chain_request import (
    ChainRequest,
    ChainResult,
    ChainSecrets,
    SharedFrame,
)
from osiris_inspect.runtime.cluster.line_relay import LineFile, LineRelay, SendLines
from osiris_inspect.runtime.cluster.node_worker import NodeWorker, answer_of
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from osiris_inspect.runtime.protocol.messages import ErrorResponse, Response
from osiris_inspect.runtime.proxy.failures import info_of
from osiris_inspect.runtime.proxy.worker_client import Interrupted
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir

DONE: Final = b"done"
ABANDONED: Final = b"abandoned"
WATCH_INTERVAL_S: Final = 0.5


class Node:
    """Runs chains in one thread; keeps the worker of a run between them.

    Attributes:
        name: host name and PID.
    """

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._worker: NodeWorker | None = None
        self._run = ""
        self._lock = threading.Lock()

    def run(
        self,
        request: ChainRequest,
        get_secrets: Callable[[], ChainSecrets | None],
        send: SendLines,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> ChainResult:
        """Run a chain once; return its record if this attempt has been run.

        ``get_secrets`` waits for the secrets and returns None if they do not come. While the steps run, ``should_stop``
        is called in another thread every ``WATCH_INTERVAL_S``; True ends them.

        Raises:
            ProtocolError: the shared store cannot be reached.
            OSError: the disk refused.
        """
        store = SharedStore(request.shared)
        secrets = get_secrets() if request.has_secrets else ChainSecrets()
        if secrets is None:
            return ChainResult("not_ready", self.name)
        with self._lock:
            return self._claim_and_run(request, secrets, store, send, should_stop)

    def _claim_and_run(
        self,
        request: ChainRequest,
        secrets: ChainSecrets,
        store: SharedStore,
        send: SendLines,
        should_stop: Callable[[], bool],
    ) -> ChainResult:
        claim = {"node": self.name, "token": tokens.token_hex(16)}
        if not store.create(request.key("claims"), orjson.dumps(claim)):
            return self._claimed(request, store)
        with LockedTempDir() as folder:
            lines = LineFile(folder.path / "lines.jsonl")
            relay = LineRelay(lines, send)
            try:
                return self._run_claimed(request, secrets, store, lines, should_stop)
            finally:
                relay.close()
                lines.close()

    def close(self) -> None:
        """End the worker, after the chain that runs; calling it twice is safe."""
        with self._lock:
            self._drop_worker()

    def _claimed(self, request: ChainRequest, store: SharedStore) -> ChainResult:
        """Return the result of an attempt that was claimed before."""
        fate, record = store.read(request.key("fate")), store.read(request.key("records"))
        if fate is not None and fate.startswith(ABANDONED):
            return ChainResult("abandoned", self.name)
        if fate is not None and record is not None:
            return replace(ChainResult.decode(record), is_replayed=True)
        claim = orjson.loads(store.read(request.key("claims")) or b"{}")
        return ChainResult("claimed_before", str(claim.get("node")))

    def _run_claimed(
        self,
        request: ChainRequest,
        secrets: ChainSecrets,
        store: SharedStore,
        lines: LineFile,
        should_stop: Callable[[], bool],
    ) -> ChainResult:
        attempt = _Attempt(self, request, store, lines)
        attempt.emit(
            "step_claimed", {"chain": list(request.steps), "attempt": request.attempt}, request.chain
        )
        has_ended = threading.Event()
        try:
            worker = self._worker_for(request, secrets, store, lines)
            watch = threading.Thread(
                target=_watch, args=(worker, should_stop, has_ended), name="node-watch", daemon=True
            )
            watch.start()
            try:
                result = attempt.run(worker)
            finally:
                has_ended.set()
                watch.join()
        except Interrupted:
            self._drop_worker(kill=True)
            return ChainResult("stopped", self.name, lines=lines.count)
        except (OsirisError, OSError) as error:
            self._drop_worker(kill=True)
            result = ChainResult("done", self.name, attempt.answers, failure=_failure(error))
        if self._worker is not None and not self._worker.is_prepared:
            self._drop_worker()
        return self._finish(request, store, lines, result)

    def _finish(
        self, request: ChainRequest, store: SharedStore, lines: LineFile, result: ChainResult
    ) -> ChainResult:
        """Write the record and the fate of an attempt; return the result, ``abandoned`` if the host was first."""
        line_file = store.put_file(request.key("lines"), lines.path)
        result = replace(result, lines=lines.count, line_file=line_file)
        store.write(request.key("records"), result.encode())
        if not store.create(request.key("fate"), DONE):
            return ChainResult("abandoned", self.name, lines=lines.count)
        return result

    def _worker_for(
        self, request: ChainRequest, secrets: ChainSecrets, store: SharedStore, lines: LineFile
    ) -> NodeWorker:
        worker = self._worker
        if worker is None or self._run != request.run or not worker.can_run(request, secrets):
            self._drop_worker()
            worker = self._worker = NodeWorker(request, secrets, store, lines)
            self._run = request.run
        worker.begin(request, lines)
        return worker

    def _drop_worker(self, *, kill: bool = False) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            if kill:
                worker.kill()
            worker.close()


class _Attempt:
    """Execution of the steps of a claimed attempt.

    Attributes:
        answers: the answers of the steps that ran, as in ``ChainResult``.
    """

    def __init__(self, node: Node, request: ChainRequest, store: SharedStore, lines: LineFile) -> None:
        self._node, self._request, self._store, self._lines = node, request, store, lines
        self.answers: dict[str, Mapping[str, Any]] = {}

    def emit(self, name: str, fields: Mapping[str, Any], step: str | None) -> None:
        """Add an event of the node to the lines."""
        self._lines.add_event(name, time.time(), fields, step)

    def run(self, worker: NodeWorker) -> ChainResult:
        """Run the steps until one fails; upload what the host and other chains need.

        Raises:
            Interrupted: the attempt was stopped.
            ProtocolError: the store refused, or a frame is damaged.
            OSError: the disk refused.
        """
        request, packages = self._request, None
        if not worker.is_prepared:
            answer = worker.prepare()
            if isinstance(answer, ErrorResponse):
                return ChainResult("done", self._node.name, failure=answer.error)
            packages = answer.body.get("packages")
        for frame, ms in worker.fetch(request):
            fields = {"from_step": frame.step, "bytes": frame.bytes, "ms": ms, "attempt": frame.attempt}
            self.emit("frame_fetched", {**fields, "uri": self._uri(frame)}, request.chain)
        succeeded: list[str] = []
        for step in request.steps:
            answer = worker.run_step(step, request.attempt)
            self.answers[step] = answer_of(answer)
            if not isinstance(answer, Response):
                break
            succeeded.append(step)
        frames = [self._give(worker, step) for step in request.gives if step in succeeded]
        files = list(worker.upload_files(request, succeeded))
        log = worker.upload_log(request)
        return ChainResult(
            "done",
            self._node.name,
            self.answers,
            tuple(frames),
            (*files, *([log] if log else ())),
            packages=packages,
        )

    def _give(self, worker: NodeWorker, step: str) -> SharedFrame:
        started = time.monotonic()
        frame = worker.upload_frame(self._request, step)
        ms = (time.monotonic() - started) * 1000
        fields = {"bytes": frame.bytes, "ms": ms, "attempt": frame.attempt, "uri": self._uri(frame)}
        self.emit("frame_sent", fields, step)
        return frame

    def _uri(self, frame: SharedFrame) -> str:
        return f"{self._store.url}/{Path(frame.files[0].file.key).parent.as_posix()}"


def _watch(worker: NodeWorker, should_stop: Callable[[], bool], has_ended: threading.Event) -> None:
    while not has_ended.wait(WATCH_INTERVAL_S):
        if should_stop():
            worker.stop.stop("the end of the run")
            return


def _failure(error: OsirisError | OSError) -> Mapping[str, Any]:
    """Return an error of the node as an answer of the worker has it."""
    if isinstance(error, OSError):
        error = ProtocolError(f"the machine's disk failed: {error}", kind="disk-full", fix="free disk space")
    return {"type": type(error).__name__, "message": str(error), "error_info": info_of(error)}


def main() -> None:
    """Run the chain of a request file; exit with 0 if the attempt has a record, else with 1."""
    request = ChainRequest.decode(Path(sys.argv[1]).read_bytes())
    out = sys.stdout.buffer

    def send(first: int, batch: list[bytes]) -> None:
        out.writelines(b"%d %s" % (number, line) for number, line in enumerate(batch, first))
        out.flush()

    node = Node()
    parent = os.getppid()
    try:
        result = node.run(
            request,
            lambda: ChainSecrets.decode(sys.stdin.buffer.read()),
            send,
            lambda: os.getppid() != parent,
        )
    except OsirisError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    finally:
        node.close()
    out.write(result.encode() + b"\n")
    out.flush()
    sys.exit(0 if result.outcome == "done" else 1)


if __name__ == "__main__":
    main()
