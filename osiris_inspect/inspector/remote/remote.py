"""Remote folders of every protocol: files, byte ranges, limits, and the operations that a mirror uses."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import RunNotReadable

MAX_PARALLEL: Final = 16
"""Maximum number of parallel requests."""
TIMEOUT_S: Final = 30.0
"""Seconds to wait for a connection, for the head of a response, and for each further byte."""


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """Limits that the user sets.

    Attributes:
        max_bytes: bytes that are downloaded at once.
        redirect_hosts: hosts, with the port if it is not the default, to which a web server may redirect.
    """

    max_bytes: int = 4 << 30
    redirect_hosts: frozenset[str] = frozenset()

    def check(self, size: int, what: str) -> None:
        """Check a number of bytes, announced or received.

        Raises:
            RunNotReadable: there are more than ``max_bytes``.
        """
        if size > self.max_bytes:
            raise RunNotReadable(
                f"{what!r} cannot be fetched: more than {self.max_bytes:,} bytes; raise the limit with --max-bytes"
            )


@dataclass(frozen=True, slots=True)
class RemoteStat:
    """A remote file.

    Attributes:
        name: its full name in the remote file system.
        size: the size that the server announces; None if it announces none.
        etag: changes when the content does.
        modified: seconds since 1970; None if unknown.
    """

    name: str
    size: int | None
    etag: str
    modified: float | None = None


class ByteRange(NamedTuple):
    """Bytes of a file from ``begin`` to before ``end``."""

    file: RemoteStat
    begin: int
    end: int


class Files(NamedTuple):
    """Files below a folder by relative name; ``is_partial`` if it may have more."""

    by_name: Mapping[str, RemoteStat]
    is_partial: bool = False


class RemoteFolder(Protocol):
    """The folder at an address. Every failure is raised as ``RunNotReadable``.

    Attributes:
        address: without credentials.
        limits: what the user allows.
    """

    address: str
    limits: RemoteLimits

    def list_dir(self, relative: str) -> dict[str, RemoteStat | None]:
        """Return the entries of a folder by name, None for a folder; a web server reports only the files of a run."""

    def list_recursive(self, relative: str) -> Files:
        """Return the files below a folder."""

    def stat_many(self, relative: str, names: Iterable[str]) -> dict[str, RemoteStat]:
        """Return those of the named files that exist below a folder."""

    def read(self, ranges: Sequence[ByteRange]) -> list[bytes]:
        """Return the bytes of each range, in order; they are requested in parallel."""

    def supports_ranges(self, file: RemoteStat) -> bool:
        """Return True if a part of a file can be requested."""

    def download(self, file: RemoteStat, write: Callable[[bytes], object]) -> None:
        """Pass the blocks of a whole file to ``write``."""


def without_children_of_files(names: Iterable[str]) -> set[str]:
    """Return the names that can exist together on a disk: a file has no children."""
    distinct = set(names)
    return {
        name
        for name in distinct
        if not any(name[:position] in distinct for position, letter in enumerate(name) if letter == "/")
    }


def run_files_first(names: Iterable[str]) -> list[str]:
    """Return names in the order in which they are kept if there are too many."""

    def rank(name: str) -> tuple[bool, str]:
        return name not in layout.RUN_MARKER_FILES and layout.parse_log_part(name) is None, name

    return sorted(names, key=rank)
