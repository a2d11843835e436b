"""Addresses of remote runs: ``s3://bucket/logs/run_1``, ``https://host/runs``.

A command line argument becomes a path, which has single slashes, so ``s3:/bucket`` is accepted as well.
"""

import re
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import RunNotReadable

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]{1,30}):/(.*)", re.DOTALL)
_LOCAL_SCHEMES: Final = ("file", "local")
_HTTP_SCHEMES: Final = ("http", "https")


def parse_url(path: Path) -> str | None:
    """Return the address in a path; None for a local path."""
    match = _ADDRESS.fullmatch(str(path))
    if match is None or path.exists():
        return None
    scheme, rest = match[1], match[2].lstrip("/")
    return f"{scheme}:///{rest}" if scheme in _LOCAL_SCHEMES else f"{scheme}://{rest}"


def local_path(address: str) -> Path | None:
    """Return the path of a local address (``file:///logs``); None for a remote one."""
    scheme, _, rest = address.partition("://")
    return Path(rest) if scheme in _LOCAL_SCHEMES else None


def is_http(address: str) -> bool:
    """Return True for a web server, which may support neither listings nor ranges."""
    return address.partition("://")[0] in _HTTP_SCHEMES


def without_credentials(address: str) -> str:
    """Return an address without user and password."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def cache_dir_for(address: str, cache: Path) -> Path:
    """Return the folder of the cache for an address; its last component is that of the address.

    Raises:
        RunNotReadable: the address is not valid as a folder.
    """
    scheme, _, rest = without_credentials(address).partition("://")
    parts = [part for part in rest.split("/") if part]
    if is_http(address) and "?" in rest:
        raise RunNotReadable(
            f"{without_credentials(address)!r}: an address must not contain '?'; use the address of the folder"
        )
    if not parts or any(not _is_name(part) for part in parts):
        raise RunNotReadable(f"{without_credentials(address)!r} has no folder; add one to the address")
    return cache.joinpath("remote", scheme, *parts)


def is_inside(relative: str) -> bool:
    """Return True if a remote name is valid as a file name inside a local folder."""
    return all(map(_is_name, relative.split("/")))


def _is_name(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and len(part.encode("utf-8", "replace")) <= 200
