"""Files of the machines of a run, which the host downloads from the shared store."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.model.run_types import RunMode
from osiris_inspect.runtime.cluster.chain_request import NamedFile
from osiris_inspect.runtime.cluster.shared_store import SharedStore, StoredFile
from osiris_inspect.runtime.files.directory_writer import DirectoryWriter
from osiris_inspect.runtime.transport.remote_files import RemoteFile, RemoteListing
from osiris_inspect.runtime.transport.transport import Transport


class ClusterFiles(Transport):
    """Side of the machines of a cluster, without a connection to one worker: only its files can be listed."""

    mode: RunMode = "dask"
    is_remote = True
    limits_memory = True

    def __init__(self, isolation: str) -> None:
        self.isolation_level = "dask"
        self.details: Mapping[str, Any] = {"requested_isolation": isolation}
        self.store: SharedStore | None = None
        self._files: dict[tuple[str, bool], StoredFile] = {}
        self._logs: dict[str, StoredFile] = {}

    def add(self, files: Iterable[NamedFile], node: str = "") -> None:
        """Add files of an attempt that counts; a later attempt replaces them."""
        for named in files:
            if named.path == layout.WORKER_LOG:
                self._logs[node] = named.file
            else:
                self._files[named.path, named.is_output] = named.file

    def list_remote_files(self, outputs: Sequence[str], max_bytes: tuple[int, int]) -> RemoteListing:
        """Return the files of all attempts that count."""
        del outputs, max_bytes
        entries = self._files.items()
        return RemoteListing(
            tuple(RemoteFile(path, file.bytes, file.sha256, is_output) for (path, is_output), file in entries)
        )

    def fetch(self, file: RemoteFile, to: int) -> None:
        """Download one file."""
        if self.store is None:
            raise ProtocolError("the shared store was not opened", kind="artifact-lost", path=file.path)
        os.ftruncate(to, 0)
        os.lseek(to, 0, os.SEEK_SET)
        self.store.get_file(self._files[file.path, file.is_output], to)

    def write_log(self, files: DirectoryWriter) -> None:
        """Write the output of the drivers of all machines into the worker's log, each below a line with its name.

        Raises:
            ProtocolError: the store refused.
            OSError: the run directory cannot be written.
        """
        if self.store is None or not self._logs:
            return
        parts = []
        for node, stored in self._logs.items():
            data = self.store.read(stored.key) or b""
            parts.append(
                b"--- machine %s\n%s" % (node.encode(), data if data.endswith(b"\n") else data + b"\n")
            )
        files.write(layout.WORKER_LOG, b"".join(parts))

    def start(self, launch: Any) -> str:
        """Refuse: there is no single worker."""
        raise AssertionError(launch)

    def send(self, line: bytes) -> None:
        """Refuse: there is no single worker."""
        raise AssertionError(line)

    def receive(self, timeout: float | None) -> bytes | None:
        """Refuse: there is no single worker."""
        raise AssertionError(timeout)

    def kill(self) -> None:
        """Do nothing: the engine ends what runs."""

    def close(self) -> None:
        """Do nothing: the engine is closed by the run."""
