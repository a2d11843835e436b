"""Addresses of remote runs: ``s3://bucket/logs/run_1``, ``https://host/runs``.

A command line argument becomes a path, which has single slashes, so ``s3:/bucket`` is accepted as well.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from osiris_inspect.model.errors import RunNotReadable

_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]{1,30}):/(.*)", re.DOTALL)
_USER_INFO: Final = re.compile(r"://[^/\s'\"]{0,2000}@")
_QUERY: Final = re.compile(r"(://[^\s'\"?#]{1,4000})[?#][^\s'\"]*")
MAX_NAME_BYTES: Final = 1000
"""Maximum length of the name of a file relative to its folder."""
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
    """Return an address, or a text that contains one, without user, password and query."""
    return _QUERY.sub(r"\1", _USER_INFO.sub("://", address))


def user_info(address: str) -> str:
    """Return user and password of an address as they are written; empty if it has none."""
    match = _USER_INFO.search(address)
    return match[0][len("://") : -1] if match is not None else ""


def cache_dir_for(address: str, root: Path) -> Path:
    """Return the folder of the cache for an address; its last component is that of the address.

    Raises:
        RunNotReadable: the address is not valid as a folder.
    """
    shown = without_credentials(address)
    scheme, _, rest = shown.partition("://")
    parts = [part for part in rest.split("/") if part]
    if is_http(address):
        _check_web_address(address)
    if not parts or any(not _is_name(part) for part in parts):
        raise RunNotReadable(f"{shown!r} has no folder; add one to the address")
    return root.joinpath(scheme, *parts)


def _check_web_address(address: str) -> None:
    """Check that an address names a folder; the message repeats no part that may be a password or a token.

    Raises:
        RunNotReadable: it has a query or a fragment, or no valid host and port.
    """
    try:
        url = urlsplit(address)
        is_valid = bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise RunNotReadable(
            "the web address has no valid host and port; check it, and write '/', '?' and '#' of a password as %2F, %3F and %23"
        )
    if "?" in address or "#" in address:
        raise RunNotReadable(
            f"{without_credentials(address)!r}: an address must not contain '?' or '#'; use the address of the folder"
        )


def is_inside(relative: str) -> bool:
    """Return True if a remote name is valid as a file name inside a local folder."""
    return len(relative.encode("utf-8", "replace")) <= MAX_NAME_BYTES and all(
        map(_is_name, relative.split("/"))
    )


def _is_name(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and len(part.encode("utf-8", "replace")) <= 200
