"""A pipeline published on a shared store, whose chains a test runs on nodes."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import orjson

from osiris_inspect.model.redaction import Redactor
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.cluster.chain_request import ChainRequest, ChainResult, ChainSecrets, SharedFrame
from osiris_inspect.runtime.cluster.chains import chains_of
from osiris_inspect.runtime.cluster.node import Node
from osiris_inspect.runtime.cluster.publish import Publisher
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.planning.schedule import build_schedule
from osiris_inspect.runtime.protocol.bundle import build_bundle
from osiris_inspect.runtime.proxy import run_directory
from osiris_inspect.runtime.proxy.event_log import EventLog
from osiris_inspect.runtime.proxy.run_finish import RunProgress
from osiris_inspect.runtime.proxy.run_recorder import RunRecorder
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.run_request import RunRequest
from osiris_inspect.runtime.proxy.signals import SignalFlag
from tests.runtime.cluster.counting import COMPONENTS
from tests.runtime.pipelines import STATS, with_movies


class PublishedRun:
    """A run of ``text`` whose files are on the store ``shared``; ``lines`` are what nodes sent."""

    def __init__(self, folder: Path, shared: str, text: str = STATS, **more: Any) -> None:
        self.store = SharedStore(shared)
        base = with_movies(folder)
        compiled = compile_pipeline(text, "pipeline.yaml", COMPONENTS)
        request = RunRequest(
            compiled,
            settings.read(more.pop("env", {})),
            folder / "logs",
            base,
            time.time,
            components=COMPONENTS,
            **more,
        )
        path = run_directory.create_run_dir(request.logs, int(time.time() * 1000))
        self._stack = ExitStack()
        files = self._stack.enter_context(DirectoryWriter(path))
        redactor = Redactor(request.secrets)
        run_directory.write_compiled(files, compiled, redactor)
        log = self._stack.enter_context(EventLog(files, path.name, redactor))
        recorder = RunRecorder(log, time.time, lambda _: None)
        progress = RunProgress(path, files, compiled.manifest, redactor)
        self.context = RunContext(
            request, recorder, progress, SignalFlag(), COMPONENTS, request.secrets, request.settings
        )
        self.publisher = Publisher(self.context, self.store)
        bundle = build_bundle(path, compiled, COMPONENTS, base, request.connections.by_step)
        self.publisher.upload_bundle(bundle)
        schedule = build_schedule(compiled, COMPONENTS, base, request.connections.by_step)
        not_repeatable = {
            step.id
            for step in compiled.manifest.steps
            if not COMPONENTS[step.driver].is_repeatable(compiled.configs[step.id])
        }
        self.chains = {chain.id: chain for chain in chains_of(schedule, not_repeatable)}
        self.frames: dict[str, SharedFrame] = {}
        self.lines: list[dict[str, Any]] = []

    def request(self, chain: str, attempt: int = 1) -> ChainRequest:
        """The request of a chain."""
        return self.publisher.request_of(self.chains[chain], attempt, self.frames)

    def run(
        self, node: Node, chain: str, attempt: int = 1, request: ChainRequest | None = None
    ) -> ChainResult:
        """Run a chain on a node of this process."""
        secrets: ChainSecrets = self.publisher.secrets_of(self.chains[chain])
        result = node.run(request or self.request(chain, attempt), lambda: secrets, self._take)
        self.frames |= {frame.step: frame for frame in result.frames}
        return result

    def events(self) -> list[tuple[str | None, str]]:
        """Step and name of the events that nodes sent, without heartbeats."""
        return [
            (line["step"], line["event"])
            for line in self.lines
            if line.get("event", "heartbeat") != "heartbeat"
        ]

    def _take(self, first: int, batch: list[bytes]) -> None:
        self.lines += map(orjson.loads, batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
