"""Keyed digests of the values of environment variables, so that two runs can be compared without the values.

The key stays on this machine, in the user's settings folder, or comes from OSIRIS_INSPECT_KEY.
"""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.base.user_folders import user_folder

KEY_VARIABLE: Final = "OSIRIS_INSPECT_KEY"
KEY_FILE: Final = "digest.key"
_KEY_BYTES: Final = 32


def variable_digests(values: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of the event ``environment``: a digest of each value, and the id of the key.

    Digests of different keys cannot be compared. Without variables no key is created. If the key cannot be read or
    created, there are no digests, and ``variables_key_error`` has the reason.
    """
    if not values:
        return {}
    try:
        key = _key(environment)
    except OSError as error:
        return {"variables_key_error": f"{error.filename or KEY_FILE}: {error.strerror or error}"}
    digests = {name: _digest(key, f"{name}\0{value}", 8) for name, value in sorted(values.items())}
    return {"variable_digests": digests, "variables_key": _digest(key, "the id of this key", 4)}


def _digest(key: bytes, text: str, size: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), key=key, digest_size=size).hexdigest()


def _key(environment: Mapping[str, str]) -> bytes:
    """Return the key of this machine; create it if there is none.

    Raises:
        OSError: it cannot be read or created.
    """
    own = environment.get(KEY_VARIABLE)
    if own:
        return hashlib.sha256(own.encode("utf-8", "surrogateescape")).digest()
    path = user_folder("config") / KEY_FILE
    with suppress(FileNotFoundError):
        return _read(path)
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{KEY_FILE}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
        with suppress(FileExistsError):  # another run was first: its key counts
            os.link(temporary, path)
    finally:
        temporary.unlink()
    return _read(path)


def _read(path: Path) -> bytes:
    with os.fdopen(open_regular(path), "rb") as file:
        key = file.read(_KEY_BYTES)
    if len(key) != _KEY_BYTES:
        raise OSError(0, "not a key; remove the file", str(path))
    return key
