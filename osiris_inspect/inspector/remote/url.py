"""Addresses of places that are no folder of this machine: ``s3://bucket/logs/run_1``, ``https://host/runs``.

A command line makes a path of every word, and a path has single slashes; ``s3:/bucket`` is understood as well.
"""

import re
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import RunNotReadable

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)
_HERE: Final = ("file", "local")
_WEB: Final = ("http", "https")


def parse_url(path: Path) -> str | None:
    """The address in a path; None where it is a path of this machine."""
    match = _ADDRESS.fullmatch(str(path))
    if match is None or path.exists():
        return None
    scheme, rest = match.groups()
    return f"{scheme}:///{rest}" if scheme in _HERE else f"{scheme}://{rest}"


def local_path(address: str) -> Path | None:
    """The path that an address of this machine names (``file:///logs``); None for an address elsewhere."""
    scheme, _, rest = address.partition("://")
    return Path(rest) if scheme in _HERE else None


def is_http(address: str) -> bool:
    """Whether a web server is asked, which may know neither folders nor parts of files."""
    return address.partition("://")[0] in _WEB


def without_credentials(address: str) -> str:
    """An address without a user and a password that may stand in it."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def cache_dir_for(address: str, cache: Path) -> Path:
    """The folder of the cache that stands for an address; its last name is that of the address.

    Raises:
        RunNotReadable: no folder can be named like that.
    """
    scheme, _, rest = without_credentials(address).partition("://")
    parts = [part for part in rest.split("/") if part]
    if is_http(address) and "?" in rest:
        raise RunNotReadable(
            f"{without_credentials(address)!r}: an address with '?' is not taken; name the folder"
        )
    if not parts or any(not _is_name(part) for part in parts):
        raise RunNotReadable(f"{without_credentials(address)!r} names no folder")
    return cache.joinpath("remote", scheme, *parts)


def is_inside(relative: str) -> bool:
    """Whether a name under a remote folder can be that of a file here, inside of the folder that stands for it."""
    return all(map(_is_name, relative.split("/")))


def _is_name(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and len(part.encode("utf-8", "replace")) <= 200
