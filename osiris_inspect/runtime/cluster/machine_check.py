"""Check of a machine of a cluster, for ``doctor``: versions, isolation, disk and the shared store."""

import platform
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from osiris_inspect.model.errors import OsirisError
from osiris_inspect.runtime.cluster.shared_store import SharedStore
from osiris_inspect.runtime.protocol.bundle import code_hash
from osiris_inspect.runtime.sandbox import isolation


def check_machine(shared: str | None) -> Mapping[str, Any]:
    """Return what this machine is like; ``shared_error`` is None if a name of the store can be created only once."""
    return {
        "python": platform.python_version(),
        "osiris-inspect": version("osiris-inspect"),
        "code": code_hash(),
        "isolation": isolation.choose("auto").level,
        "disk_free_bytes": shutil.disk_usage(tempfile.gettempdir()).free,
        **({} if shared is None else {"shared_error": check_store(shared)}),
    }


def check_store(shared: str) -> str | None:
    """Return why a shared store cannot be used; None if it can."""
    folder = f"doctor-{secrets.token_hex(8)}"
    try:
        store = SharedStore(shared)
        store.create(f"{folder}/claim", b"first")
        accepts_second = store.create(f"{folder}/claim", b"second")
        store.delete(folder)
    except OsirisError as error:
        return str(error)
    return f"{store.url} creates a name twice, so steps could run twice" if accepts_second else None
