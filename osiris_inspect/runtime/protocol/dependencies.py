"""The modules that a worker and its drivers need: looked for before the first step, installed on request.

Nothing but the standard library is imported here: this runs where nothing else may be there yet.
"""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from osiris_inspect.model.errors import DependencyMissing

INSTALL_LOG: Final = "artifacts/_system/install.log"
WORKER_REQUIREMENTS: Final = ("orjson", "numpy", "pandas", "pyarrow", "xxhash", "yaml")


@dataclass(frozen=True, slots=True)
class MissingModule:
    """A module that is not there, and the extra of this package that brings it; None: this package itself does."""

    module: str
    extra: str | None = None


def missing_error(lacking: Iterable[MissingModule], log: str | None = None) -> DependencyMissing:
    """The error that names the modules and what brings them."""
    lacking = tuple(lacking)
    names = ", ".join(item.module for item in lacking)
    extras = sorted({item.extra for item in lacking if item.extra})
    package = f"osiris-inspect[{','.join(extras)}]" if extras else "osiris-inspect"
    tail = f"; what pip said is in {log}" if log else ", or run with --install-deps"
    return DependencyMissing(f"missing modules: {names}; install them with: pip install '{package}'{tail}")


def find_missing(components: Iterable[Mapping[str, Any]]) -> tuple[MissingModule, ...]:
    """The modules of the worker itself, then those of ``components`` (``requires``, ``extra``), that are not there."""
    lacking = [MissingModule(module) for module in WORKER_REQUIREMENTS if not _is_there(module)]
    for component in components:
        names = [*component["requires"], component["driver"].partition(":")[0]]
        lacking += [
            MissingModule(module, component.get("extra")) for module in names if not _is_there(module)
        ]
    return tuple({item.module: item for item in lacking}.values())


def pip_install(
    session: Path, components: Iterable[Mapping[str, Any]], python: str = sys.executable
) -> list[str]:
    """Install what is missing with pip; gives the requirements installed, none where nothing was missing.

    What pip says is kept in ``artifacts/_system/install.log`` of the run directory.

    Raises:
        DependencyMissing: pip could not, or what it installed does not bring the modules.
    """
    components = list(components)
    lacking = find_missing(components)
    if not lacking:
        return []
    wanted = _requirements_for(session, lacking)
    log = session / INSTALL_LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *wanted]
    with log.open("wb") as file:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    importlib.invalidate_caches()
    still = find_missing(components) if python == sys.executable else ()
    if done.returncode != 0 or still:
        raise missing_error(still or lacking, INSTALL_LOG)
    return wanted


def read_component_specs(session: Path) -> dict[str, Any]:
    """The components and requirements a host wrote into a run directory, as plain JSON.

    Raises:
        OSError: there is no such file.
        ValueError: it is no JSON.
    """
    document: dict[str, Any] = json.loads((session / "artifacts/_system/components.json").read_bytes())
    return document


def _requirements_for(session: Path, lacking: Iterable[MissingModule]) -> list[str]:
    requirements = read_component_specs(session).get("requirements", {})
    lines: dict[str, None] = {}
    for item in lacking:
        found = requirements.get(item.extra or "") or [item.module]
        lines.update(dict.fromkeys(found))
    return list(lines)


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False  # the package it lies in is not there
