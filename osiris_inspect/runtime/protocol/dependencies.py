"""Check for the modules that the worker and its drivers need, and their installation on request.

Imports only the standard library and the error classes: other packages may be missing when this runs.
"""

import importlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.child_command import module_command
from osiris_inspect.base.install_hint import extra_requirements, install_command
from osiris_inspect.model.errors import DependencyMissing

COMPONENTS: Final = "artifacts/_system/components.json"
"""Components and requirements of a pipeline, written by the proxy into the run directory."""
INSTALL_LOG: Final = "artifacts/_system/install.log"
"""Output of pip or uv, in the run directory."""
_LOG_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_DISTRIBUTIONS: Final = {"yaml": "PyYAML"}
"""Names of packages that differ from their module."""
WORKER_REQUIREMENTS: Final = ("orjson", "numpy", "pandas", "pyarrow", "xxhash", "yaml")


def missing_error(
    missing: Mapping[str, str | None],
    log: str | None = None,
    packages: Mapping[str, str] | None = None,
    *,
    is_remote: bool = False,
) -> DependencyMissing:
    """Return the error for modules from ``find_missing``; it states the command that installs them.

    ``packages`` has the requirements of modules of third-party components.
    """
    packages = {module: packages[module] for module in missing if module in packages} if packages else {}
    extras = sorted({extra for extra in missing.values() if extra})
    own = (extra_requirements(extras) or [f"osiris-inspect[{','.join(extras)}]"]) if extras else []
    of_worker = [
        _DISTRIBUTIONS.get(module, module)
        for module, extra in missing.items()
        if extra is None and module not in packages
    ]
    required = [*own, *of_worker, *dict.fromkeys(packages.values())]
    command = f"pip install {shlex.join(required)}" if is_remote else install_command(required)
    where = " in the template of the sandbox (E2B_TEMPLATE)" if is_remote else ""
    tail = ", or run with --install-deps" if is_remote or install_words(()) is not None else ""
    tail = f"; see {log} for the output of the installation" if log else tail
    return DependencyMissing(
        f"missing modules: {', '.join(missing)}",
        fix=f"install them{where} with: {command}{tail}",
        modules=list(missing),
        package=" ".join(required),
    )


def find_missing(components: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """Return the missing modules of the worker and of ``components``.

    Each component has ``requires``, ``driver`` and optionally ``extra``. The value is the extra of this
    package that installs the module; None if it needs no extra.
    """
    modules: dict[str, str | None] = dict.fromkeys(WORKER_REQUIREMENTS)
    for component in components:
        for module in (*component["requires"], component["driver"].partition(":")[0]):
            modules.setdefault(module, component.get("extra"))
    return {module: extra for module, extra in modules.items() if not _is_installed(module)}


def pip_install(
    run_dir: Path,
    components: Iterable[Mapping[str, Any]],
    python: str = sys.executable,
    *,
    is_remote: bool = False,
) -> list[str]:
    """Install missing modules with pip, or with uv in an environment without pip; return the requirements installed.

    The output is kept in ``INSTALL_LOG``. ``is_remote`` is True in a sandbox on E2B.

    Raises:
        DependencyMissing: there is no installer, it failed, or modules are still missing after it.
    """
    components = list(components)
    missing = find_missing(components)
    if not missing:
        return []
    requirements = _requirements_for(run_dir, missing)
    command = install_words(requirements, python)
    if command is None:
        raise DependencyMissing(
            f"missing modules: {', '.join(missing)}; --install-deps found neither pip nor uv",
            fix=f"install them with: {install_command(requirements, python=python)}",
            modules=list(missing),
            package=" ".join(requirements),
        )
    log = run_dir / INSTALL_LOG
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(log, _LOG_FLAGS, 0o600), "wb") as file:
        completed = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False
        )
    importlib.invalidate_caches()
    still_missing = find_missing(components) if python == sys.executable else {}
    if completed.returncode != 0 or still_missing:
        packages = read_component_specs(run_dir).get("packages")
        raise missing_error(still_missing or missing, INSTALL_LOG, packages, is_remote=is_remote)
    return requirements


def install_words(requirements: Iterable[str], python: str = sys.executable) -> list[str] | None:
    """Return the command that installs requirements for an interpreter; None without pip and uv."""
    if python != sys.executable or importlib.util.find_spec("pip") is not None:
        options = ("--no-input", "--disable-pip-version-check")
        return module_command("pip", "install", *options, *requirements, python=python)
    uv = shutil.which("uv")
    return [uv, "pip", "install", "--python", python, *requirements] if uv is not None else None


def read_component_specs(run_dir: Path) -> dict[str, Any]:
    """Return the components and requirements in a run directory as JSON.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not valid JSON.
    """
    document: dict[str, Any] = json.loads((run_dir / COMPONENTS).read_bytes())
    return document


def _requirements_for(run_dir: Path, missing: Mapping[str, str | None]) -> list[str]:
    specs = read_component_specs(run_dir)
    by_extra, packages = specs.get("requirements", {}), specs.get("packages", {})
    lines: list[str] = []
    for module, extra in missing.items():
        lines += [packages[module]] if module in packages else by_extra.get(extra or "") or [module]
    return list(dict.fromkeys(lines))


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False  # its parent package is missing
