"""Identity of the code that a worker runs: the installed packages, and the files of a driver."""

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model.version import __version__

_METADATA: Final = ".dist-info"
_OWN_PACKAGE: Final = "osiris_inspect"
_LEFT_OUT: Final = frozenset({"__pycache__", "node_modules", "site-packages"})


def installed_packages(folders: Iterable[str]) -> dict[str, str]:
    """Return the version of each distribution in the folders that Python imports from, by its normalized name.

    Reads names of folders only, which takes a hundredth of the time of ``importlib.metadata``. The first folder wins.
    """
    versions: dict[str, str] = {}
    for folder in folders:
        for entry in sorted(Path(folder).glob(f"*{_METADATA}")):
            name, _, version = entry.name.removesuffix(_METADATA).partition("-")
            if version:
                versions.setdefault(name.lower().replace("_", "-").replace(".", "-"), version)
    return dict(sorted(versions.items()))


def packages_hash(versions: Mapping[str, str]) -> str:
    """Return a hash of packages and their versions."""
    lines = "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def driver_code(driver: object, requirements: Mapping[str, str]) -> dict[str, Any]:
    """Return the module of a driver, a hash of its files, and its distribution with the version.

    ``requirements`` holds ``name==version`` of each package with drivers; a distribution that is not in it is None. The
    hash covers the Python files of the folder of the module, if the module is in a package, and the module itself.
    """
    module = type(driver).__module__
    package = module.partition(".")[0]
    requirement = requirements.get(package, "")
    if package == _OWN_PACKAGE:
        requirement = f"osiris-inspect=={__version__}"
    distribution, _, version = requirement.partition("==")
    return {
        "module": module,
        "file_sha256": _files_hash(module),
        "distribution": distribution or None,
        "version": version or None,
    }


def _files_hash(module: str) -> str | None:
    """Return the hash of the files of a module; None if they cannot be read."""
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if loaded is None or file is None:
        return None
    path, digest = Path(file), hashlib.sha256()
    others = path.parent.rglob("*.py") if loaded.__package__ else ()
    try:
        for source in sorted({path, *others}):
            digest.update(f"{source.relative_to(path.parent).as_posix()}\0".encode())
            digest.update(hashlib.sha256(source.read_bytes()).digest())
    except OSError:
        return None
    return f"sha256:{digest.hexdigest()}"


def code_hash(folder: Path) -> str:
    """Return a hash over the Python files in a folder, without hidden folders and those of installed packages.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for parent, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _LEFT_OUT)
        for name in sorted(files):
            if name.endswith(".py"):
                path = Path(parent, name)
                digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return "sha256:" + digest.hexdigest()
