"""Store that all machines of a run reach: a folder that they share, or a bucket of an object store.

A name can be created only once, by one of several writers at the same time. Claims and fates rely on it.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.model.errors import ProtocolError, SettingsError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_CHUNK: Final = 8 << 20
_RETRIES: Final[Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """File on the shared store: its key, bytes and SHA-256 in hexadecimal."""

    key: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """Object of the shared store: its key, bytes and the time of its last write in seconds since the epoch."""

    key: str
    bytes: int
    written: float


class SharedStore:
    """Files and small objects below a URL; every key is relative to it.

    Credentials of an object store come from the environment of each machine.

    Attributes:
        url: an absolute folder, or a URL such as ``s3://bucket/prefix``.

    Raises:
        SettingsError: the URL cannot be used, or the package is not installed.
    """

    def __init__(self, url: str) -> None:
        if find_spec("obstore") is None:
            raise SettingsError(
                "cannot use a shared store: obstore is not installed",
                kind="dependency-missing",
                fix=f"run {install_extras_command('cluster')}",
                modules=["obstore"],
            )
        self.url = url if "://" in url else str(Path(url).expanduser().absolute())
        self._store = _open(self.url)

    @property
    def is_folder(self) -> bool:
        """True if the store is a folder."""
        return "://" not in self.url

    def create(self, key: str, data: bytes) -> bool:
        """Create an object with unique contents; return False if the key exists with other contents.

        A request that was sent again after a lost answer finds its own contents, and counts as the first.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._errors("create", key):
            try:
                obstore.put(self._store, key, data, mode="create")
            except (AlreadyExistsError, FileExistsError):
                return self.read(key) == data
        return True

    def write(self, key: str, data: bytes) -> None:
        """Write an object, over an old one if there is one.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
        """
        import obstore

        with self._errors("write", key):
            obstore.put(self._store, key, data)

    def read(self, key: str) -> bytes | None:
        """Return the contents of an object; None if there is none.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
        """
        import obstore

        with self._errors("read", key):
            try:
                return bytes(obstore.get(self._store, key).bytes())
            except FileNotFoundError:
                return None

    def put_file(self, key: str, path: Path) -> StoredFile:
        """Upload a regular file, no symbolic link.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
            OSError: the file cannot be read.
        """
        import obstore

        with os.fdopen(open_regular(path), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            with self._errors("write", key):
                obstore.put(self._store, key, file)
        return StoredFile(key, size, digest)

    def get_file(self, file: StoredFile, descriptor: int) -> None:
        """Download a file into an open empty file.

        Raises:
            ProtocolError: the store cannot be reached, or bytes or hash differ.
            OSError: the file cannot be written.
        """
        size, digest = self.download(file.key, descriptor)
        if (size, digest) != (file.bytes, file.sha256):
            raise ProtocolError(
                f"{file.key!r} on the shared store is damaged: it has {size:,} of {file.bytes:,} bytes, "
                "or its hash differs",
                kind="artifact-lost",
                fix="run again",
                path=file.key,
                bytes=size,
                expected_bytes=file.bytes,
            )

    def download(self, key: str, descriptor: int) -> tuple[int, str]:
        """Download an object into an open empty file; return its bytes and SHA-256, which the caller checks.

        Raises:
            ProtocolError: the store cannot be reached, or there is no such object.
            OSError: the file cannot be written.
        """
        import obstore

        digest, size = hashlib.sha256(), 0
        with self._errors("read", key):
            try:
                chunks = obstore.get(self._store, key).stream(min_chunk_size=_CHUNK)
            except FileNotFoundError:
                raise self._failed("read", key, "there is no such object") from None
            for chunk in chunks:
                data = memoryview(chunk)
                digest.update(data)
                size += len(data)
                while data:
                    data = data[os.write(descriptor, data) :]
        return size, digest.hexdigest()

    def objects(self, prefix: str) -> list[StoredObject]:
        """Return the objects below a prefix, sorted by key.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
        """
        import obstore

        with self._errors("list", prefix):
            entries = obstore.list(self._store, prefix or None).collect()
        objects = (
            StoredObject(entry["path"], entry["size"], entry["last_modified"].timestamp())
            for entry in entries
        )
        return sorted(objects, key=lambda item: item.key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix, sorted.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
        """
        return [item.key for item in self.objects(prefix)]

    def delete(self, prefix: str) -> None:
        """Delete all objects below a prefix.

        Raises:
            ProtocolError: the store cannot be reached, or it refused.
        """
        import obstore

        keys = self.keys(prefix)
        with self._errors("delete", prefix):
            if keys:
                obstore.delete(self._store, keys)

    @contextmanager
    def _errors(self, action: str, key: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, PermissionError) as error:
            raise self._failed(action, key, str(error).partition("\n")[0]) from error

    def _failed(self, action: str, key: str, reason: str) -> ProtocolError:
        return ProtocolError(
            f"cannot {action} {key!r} on the shared store {self.url}: {reason}",
            kind="shared-store-failed",
            fix="check its address and the credentials of this machine",
            url=self.url,
            path=key,
        )


def _open(url: str) -> "ObjectStore":
    from obstore.exceptions import BaseError
    from obstore.store import LocalStore, from_url

    try:
        if "://" not in url:
            return LocalStore(url, mkdir=True, automatic_cleanup=True)
        return from_url(url, client_options=_client_options(), retry_config=_RETRIES)
    except (BaseError, OSError, ValueError) as error:
        raise SettingsError(
            f"cannot use the shared store {url!r}: {str(error).partition(chr(10))[0]}",
            fix="set --shared to a folder that all machines share, or to a URL such as s3://bucket/osiris",
            option="--shared",
            value=url,
        ) from error


def _client_options() -> Any:
    """Return the options of an object store; HTTP without TLS only if the variable of the endpoint says so."""
    endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), "")
    return {"allow_http": True} if endpoint.startswith("http://") else {}
