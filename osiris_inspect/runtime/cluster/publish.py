"""Uploads the files of a run to the shared store, and builds the requests of chains."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.runtime.cluster.chain_request import (
    ChainRequest,
    ChainSecrets,
    NamedFile,
    SharedFrame,
)
from osiris_inspect.runtime.cluster.chains import Chain
from osiris_inspect.runtime.cluster.node_worker import pack
from osiris_inspect.runtime.cluster.shared_store import SharedStore, StoredFile
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.planning.take_over import frame_files
from osiris_inspect.runtime.protocol.bundle import Bundle
from osiris_inspect.runtime.proxy.artifact_download import SMALL_ARTIFACT_BYTES
from osiris_inspect.runtime.proxy.scheduling.run_context import RunContext
from osiris_inspect.runtime.proxy.scheduling.step_secrets import step_secrets
from osiris_inspect.runtime.transport.e2b.upload import check_not_in_use
from osiris_inspect.runtime.transport.remote_files import name_below


class Publisher:
    """Files of one run on the shared store, below its name."""

    def __init__(
        self,
        context: RunContext,
        store: SharedStore,
        isolation: str = "auto",
        memory_bytes: int | None = None,
    ) -> None:
        self._context, self._store = context, store
        self._isolation, self._memory_bytes = isolation, memory_bytes
        self._uploaded: dict[Path, StoredFile] = {}
        self._bundle: StoredFile | None = None
        self._contents: Mapping[str, object] = {}

    @property
    def run(self) -> str:
        """Name of the run."""
        return self._context.progress.path.name

    def upload_bundle(self, bundle: Bundle) -> StoredFile:
        """Upload the manifest, the configurations and the components, as one archive.

        Raises:
            ProtocolError: the store refused.
            OSError: a file cannot be read.
        """
        frames = frame_files(self._context.progress.reused)
        own = {name: digest for name, digest in bundle.files.items() if name not in frames}
        with TemporaryDirectory() as folder:
            archive = Path(folder, "bundle.tgz")
            pack(self._context.progress.path, own, archive)
            self._bundle = self._store.put_file(f"{self.run}/bundle.tgz", archive)
        self._contents = {"package": bundle.package, "files": own}
        return self._bundle

    def upload_reused(self) -> dict[str, SharedFrame]:
        """Upload the frames that were taken over from an earlier run; return them by step, as attempt 0.

        Raises:
            ProtocolError: the store refused.
            OSError: a file cannot be read.
        """
        frames: dict[str, SharedFrame] = {}
        run_dir = self._context.progress.path
        for step, entry in self._context.progress.reused.items():
            fingerprint = self._context.request.reused[step].frames.get(layout.FRAME_KEY)
            if fingerprint is None:
                continue
            names = sorted(entry.files, key=lambda name: name.endswith("schema.json"))
            files = tuple(
                NamedFile(
                    name,
                    self._store.put_file(f"{self.run}/frames/{step}/0/{Path(name).name}", run_dir / name),
                )
                for name in names
            )
            frames[step] = SharedFrame(step, 0, fingerprint, files)
        return frames

    def request_of(self, chain: Chain, attempt: int, frames: Mapping[str, SharedFrame]) -> ChainRequest:
        """Upload the files that a chain reads; return its request.

        Raises:
            WorkerStartFailed: the pipeline names a file outside its folder, or one that is in use.
            ProtocolError: the store refused.
            OSError: a file cannot be read.
        """
        if self._bundle is None:
            raise ProtocolError("the bundle was not uploaded")
        request = self._context.request
        members = tuple(step for step in self._context.steps if step.id in chain.steps)
        compiled = replace(request.compiled, manifest=replace(request.compiled.manifest, steps=members))
        components = self._context.components
        named = pipeline_files.files_of_pipeline(
            compiled, components, request.base, request.connections.by_step
        )
        inputs = {name_below(path, request.base, "reads"): path for path in named.read}
        for path in named.updated:
            inputs[name_below(path, request.base, "writes")] = path
            if path.is_file():
                check_not_in_use(path)
        folders = {
            str(Path(name_below(path, request.base, "writes")).parent)
            for path in named.written
            if path.parent.is_dir()
        }
        limits = {"none": 0, "small": SMALL_ARTIFACT_BYTES, "all": 1 << 40}
        return ChainRequest(
            run=self.run,
            steps=chain.steps,
            attempt=attempt,
            shared=self._store.url,
            bundle=self._bundle,
            contents=self._contents,
            inputs=tuple(
                NamedFile(name, self._upload(path)) for name, path in inputs.items() if path.is_file()
            ),
            folders=tuple(sorted(folders)),
            frames=tuple(frames[name] for name in chain.frames if name in frames),
            gives=chain.gives,
            settings=request.settings.to_dict(),
            isolation=self._isolation,
            memory_bytes=self._memory_bytes,
            max_artifact_bytes=limits[request.artifact_policy],
            counts_attempts=attempt > 1 or any(step.retry for step in members),
            has_secrets=not self.secrets_of(chain).is_empty,
        )

    def secrets_of(self, chain: Chain) -> ChainSecrets:
        """Return what only the steps of a chain receive."""
        steps = {step.id: step for step in self._context.steps}
        own = {name: step_secrets(self._context, steps[name]) for name in chain.steps}
        names = {name for each in own.values() for name in each.by_place}
        by_step = self._context.request.connections.secrets_by_step
        return ChainSecrets(
            {name: each.connection for name, each in own.items() if each.connection},
            {name: each.config for name, each in own.items() if each.config is not None},
            tuple(dict.fromkeys(value for each in own.values() for value in each.values)),
            {name: tuple(by_step[name]) for name in chain.steps if name in by_step},
            tuple(sorted(names)),
        )

    def _upload(self, path: Path) -> StoredFile:
        """Upload an input file once."""
        target = resolved(path)
        if target not in self._uploaded:
            number = len(self._uploaded)
            self._uploaded[target] = self._store.put_file(f"{self.run}/files/{number}", target)
        return self._uploaded[target]
