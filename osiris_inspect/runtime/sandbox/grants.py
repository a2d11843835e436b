"""Access of an isolated worker to the host, and the parts of the system that every worker needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SYSTEM_FOLDERS: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC_NAMES: Final = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "alternatives",
    "localtime",
    "timezone",
    "locale.alias",
    "ssl/certs",  # not ssl and pki as a whole: they hold the private keys of servers
    "ssl/cert.pem",
    "ssl/openssl.cnf",
    "pki/ca-trust",
    "pki/tls/certs",
    "pki/tls/cert.pem",
    "pki/tls/openssl.cnf",
    "ca-certificates",
    "mime.types",
    "host.conf",
    "hosts",
    "nsswitch.conf",
    "resolv.conf",
    "protocols",
    "services",
)
# DuckDB reads the limits of memory and CPUs there
SYS_PATHS: Final = ("/sys/fs/cgroup", "/sys/devices/system/cpu")


@dataclass(frozen=True, slots=True)
class SandboxPermissions:
    """Access of an isolated worker beyond the system's libraries.

    Attributes:
        read: files and folders it can read.
        write: folders it can write, and pipes.
        network: True if it can reach other hosts.
        listable: folders whose names it can read, but not the files in them.
        hidden: files and folders in ``read`` that it cannot read, unless ``read`` or ``write`` names them or what is
            in them.
        live: folders in which the run writes files that a later step reads.
        sockets: True if a connection names a socket of this machine.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    network: bool = True
    listable: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    live: tuple[Path, ...] = ()
    sockets: bool = False

    def to_document(self) -> dict[str, Any]:
        """Return the permissions as JSON, for the log and the worker."""
        document: dict[str, Any] = {
            "read": _texts((*self.read, *self.live)),
            "write": _texts(self.write),
            "network": self.network,
        }
        for name, paths in (("listed", self.listable), ("hidden", self.hidden), ("live", self.live)):
            if paths:
                document[name] = _texts(paths)
        if self.sockets:
            document["sockets"] = True
        return document

    def rights(self) -> frozenset[str]:
        """Return the single rights, to compare with those of another worker; what is hidden is not one."""
        paths = {"read": self.read, "write": self.write, "list": self.listable, "live": self.live}
        rights = {f"{kind} {path}" for kind, each in paths.items() for path in each}
        for name, is_granted in (("network", self.network), ("sockets", self.sockets)):
            if is_granted:
                rights.add(name)
        return frozenset(rights)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "SandboxPermissions":
        """Return the permissions from ``to_document``."""
        read, write, listable, hidden, live = (
            tuple(map(Path, document.get(key, ()))) for key in ("read", "write", "listed", "hidden", "live")
        )
        return cls(read, write, document["network"], listable, hidden, live, document.get("sockets", False))


def existing(names: Iterable[str]) -> Iterator[Path]:
    """Return the paths that exist."""
    return (path for path in map(Path, names) if path.exists())


def _texts(paths: Iterable[Path]) -> list[str]:
    return [str(path) for path in paths]
