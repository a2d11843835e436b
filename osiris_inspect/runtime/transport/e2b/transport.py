"""The worker in a sandbox of E2B. The SDK's event loop runs in a thread of its own; this side only waits."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError, SettingsError, WorkerLost, WorkerStartFailed
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.transport.e2b import upload as e2b_parcel
from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.sandbox import E2bSandbox
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
from osiris_inspect.runtime.transport.transport import LaunchSpec, RemoteFile
from osiris_inspect.runtime.worker.worker_log import WorkerLog

T = TypeVar("T")
KEY: Final = "E2B_API_KEY"
TEMPLATE: Final = "E2B_TEMPLATE"
_SDK_MODULES: Final = {
    KEY: "api_key",
    "E2B_DOMAIN": "domain",
    "E2B_API_URL": "api_url",
    "E2B_SANDBOX_URL": "sandbox_url",
}


class E2bTransport:
    """A worker in the cloud.

    Raises:
        SettingsError: there is no key, or the SDK is not installed.
    """

    mode: RunMode = "e2b"
    isolation_level = "e2b"
    is_remote = True

    def __init__(
        self,
        environment: Mapping[str, str],
        template: str | None = None,
        retry_policy: E2bRetryPolicy | None = None,
        python: str = "python3",
    ) -> None:
        if find_spec("e2b") is None:
            raise SettingsError(
                "--on e2b needs E2B's SDK; install it with: pip install 'osiris-inspect[e2b]'"
            )
        if not environment.get(KEY):
            raise SettingsError(f"--on e2b needs a key in the environment variable {KEY}, which is not set")
        connection = {
            name: environment[variable]
            for variable, name in _SDK_MODULES.items()
            if environment.get(variable)
        }
        template = template or environment.get(TEMPLATE) or None
        self.details: Mapping[str, Any] = {"template": template}
        self.secrets = (environment[KEY],)
        self._python = python
        self._loop = _EventLoopThread()
        self._sandbox = E2bSandbox(connection, template, retry_policy or E2bRetryPolicy())
        self._log: WorkerLog | None = None
        self._outputs: list[str] = []

    def start(self, launch: LaunchSpec) -> str:
        """Create a sandbox, bring the worker up and start it."""
        self._log = WorkerLog(launch.run_dir / layout.WORKER_LOG, launch.secrets)
        self._sandbox.on_words = self._log.write
        self._outputs = [
            e2b_parcel.archive_name(path, launch.base, "writes") for path in launch.bundle.outputs
        ]
        with LockedTempDir() as scratch:
            archive = scratch.path / e2b_parcel.ARCHIVE
            try:
                e2b_parcel.build_archive(launch, archive)
            except OSError as error:
                raise WorkerStartFailed(f"the worker's parcel cannot be packed: {error}") from error
            self._loop.start()
            self._loop.run(self._sandbox.create(launch.run_dir.name))
            self.details = {**self.details, "sandbox": self._sandbox.id}
            _not_cancelled(launch)
            self._loop.run(self._sandbox.upload(archive))
            _not_cancelled(launch)
            self._loop.run(self._sandbox.start(self._python, install=launch.install))
        return f"~/{e2b_parcel.BASE}"

    def send(self, line: bytes) -> None:
        """Hand over one command."""
        if self._sandbox.inbox.how is not None:
            raise WorkerLost(self._sandbox.inbox.how)
        self._loop.run(self._sandbox.send(line))

    def receive(self, timeout: float | None) -> bytes | None:
        """The next line."""
        if not self._loop.is_running:
            raise WorkerLost("it was never started, or was closed")
        return self._sandbox.inbox.get(timeout)

    def kill(self) -> None:
        """End the worker's process and all it started; the sandbox stays until ``close``."""
        if self._loop.is_running:
            self._loop.run(self._sandbox.kill_worker())

    def list_remote_files(self) -> list[RemoteFile]:
        """What lies in the sandbox."""
        if self._sandbox.id is None:
            return []
        return self._loop.run(self._sandbox.listing(self._python, self._outputs))

    def fetch(self, file: RemoteFile, to: Path) -> None:
        """Bring one file here."""
        self._loop.run(self._sandbox.fetch(file, to))

    def close(self) -> None:
        """End the sandbox and the loop; a second time does nothing."""
        try:
            if self._loop.is_running:
                self._loop.run(self._sandbox.close())
        except ProtocolError as error:
            self.details = {**self.details, "sandbox_left_behind": str(error)}
        finally:
            self._loop.stop()
            if self._log is not None:
                self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _not_cancelled(launch: LaunchSpec) -> None:
    if launch.is_cancelled():
        raise WorkerStartFailed("the run was interrupted")


class _EventLoopThread:
    """An event loop in a thread. What runs on it goes on to its end, also when the waiting side is interrupted."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._loop is not None

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="e2b", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None  # noqa: S101  asked only between start and stop
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result()

    def stop(self) -> None:
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()
        loop.close()
