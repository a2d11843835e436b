"""Transport to a worker in an E2B sandbox. The SDK's event loop runs in its own thread."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from importlib.util import find_spec
from time import monotonic
from typing import Any, Final, TypeVar

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError, SettingsError, WorkerStartFailed
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.protocol import driver_packages
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts
from osiris_inspect.runtime.transport.e2b import upload
from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.sandbox import E2bSandbox
from osiris_inspect.runtime.transport.remote_files import RemoteFile, RemoteListing
from osiris_inspect.runtime.transport.temp_directory import LockedTempDir
from osiris_inspect.runtime.transport.transport import LaunchSpec, Transport
from osiris_inspect.runtime.transport.worker_exit import WorkerExit
from osiris_inspect.runtime.worker.worker_log import WorkerLog

T = TypeVar("T")
KEY: Final = "E2B_API_KEY"
TEMPLATE: Final = "E2B_TEMPLATE"
_SDK_OPTIONS: Final = {
    KEY: "api_key",
    "E2B_DOMAIN": "domain",
    "E2B_API_URL": "api_url",
    "E2B_SANDBOX_URL": "sandbox_url",
}


class E2bTransport(Transport):
    """Worker in an E2B sandbox.

    Raises:
        SettingsError: the API key or the SDK is missing.
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
                "cannot use --on e2b: the SDK is not installed",
                kind="dependency-missing",
                fix=f"run {install_extras_command('e2b')}",
                modules=["e2b"],
            )
        # an empty variable is not set
        environment = {name: value.strip() for name, value in environment.items() if value.strip()}
        if KEY not in environment:
            raise SettingsError(
                "cannot use --on e2b: there is no API key",
                kind="environment-variable-missing",
                fix=f"set the environment variable {KEY}",
                variable=KEY,
            )
        connection = {
            option: environment[variable]
            for variable, option in _SDK_OPTIONS.items()
            if variable in environment
        }
        template = template or environment.get(TEMPLATE)
        self.details: Mapping[str, Any] = {"template": template}
        self._python = python
        self._loop = _EventLoopThread()
        self._sandbox = E2bSandbox(connection, template, retry_policy or E2bRetryPolicy())
        self._log: WorkerLog | None = None

    def start(self, launch: LaunchSpec) -> str:
        """Create a sandbox, upload the worker and start it."""
        self._log = WorkerLog(launch.run_dir / layout.WORKER_LOG, launch.secrets, launch.by_place)
        self._sandbox.on_stderr = self._log.write
        with LockedTempDir() as temp_dir:
            archive = temp_dir.path / upload.ARCHIVE
            try:
                packages = driver_packages.find_files(launch.bundle.driver_packages)
                upload.build_archive(launch, packages, archive)
            except OSError as error:
                raise WorkerStartFailed(
                    f"cannot pack the worker: {error}",
                    kind=kind_of(error, "worker-start-failed"),
                    fix="check that the files of the pipeline can be read and that the disk has space",
                    **os_error_facts(error),
                ) from error
            if packages.left_out:
                self.details = {**self.details, "drivers_not_uploaded": packages.left_out}
            self._loop.start()
            started = monotonic()
            self._loop.run(self._sandbox.create(launch.run_dir.name, launch.nonce))
            self.details = {**self.details, "sandbox": self._sandbox.id}
            launch.on_phase("sandbox", started, None)
            _check_not_cancelled(launch)
            started = monotonic()
            self._loop.run(self._sandbox.upload(archive))
            launch.on_phase("upload", started, archive.stat().st_size)
            _check_not_cancelled(launch)
            self._loop.run(self._sandbox.start(self._python, install=launch.install))
        return f"~/{self._sandbox.folder}/{upload.BASE}"

    def send(self, line: bytes) -> None:
        """Send one command."""
        if self._sandbox.inbox.exit is not None:
            raise self._sandbox.inbox.exit.error()
        self._loop.run(self._sandbox.send(line))

    def receive(self, timeout: float | None) -> bytes | None:
        """Return the next line."""
        if not self._loop.is_running:
            raise WorkerExit("it was not started, or it was closed").error()
        return self._sandbox.inbox.get(timeout)

    def kill(self) -> None:
        """End the worker's processes; the sandbox exists until ``close``."""
        if self._loop.is_running:
            self._loop.run(self._sandbox.kill_worker())

    def list_remote_files(self, outputs: Sequence[str], max_bytes: tuple[int, int]) -> RemoteListing:
        """Return the artifacts and output files in the sandbox."""
        if self._sandbox.id is None:
            return RemoteListing()
        return self._loop.run(self._sandbox.list_files(self._python, outputs, max_bytes))

    def fetch(self, file: RemoteFile, to: int) -> None:
        """Download one file."""
        self._loop.run(self._sandbox.fetch(file, to))

    def close(self) -> None:
        """End the sandbox and the event loop; calling it twice is safe."""
        try:
            if self._loop.is_running:
                self._loop.run(self._sandbox.close())
        except ProtocolError as error:
            self.details = {**self.details, "sandbox_left_behind": str(error)}
        finally:
            self._loop.stop()
            if self._log is not None:
                self._log.close()


def _check_not_cancelled(launch: LaunchSpec) -> None:
    if launch.is_cancelled():
        raise WorkerStartFailed("the run was interrupted", kind="interrupted", fix=None)


class _EventLoopThread:
    """Event loop in a thread. Coroutines run to their end, also if the waiting thread is interrupted."""

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
        assert self._loop is not None  # noqa: S101  called only between start and stop
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
