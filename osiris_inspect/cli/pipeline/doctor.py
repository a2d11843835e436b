"""``doctor``: checks what pipelines need on this machine."""

import math
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from enum import StrEnum
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Any

import typer

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.cli.pipeline.run_options import Scheduler, Shared
from osiris_inspect.cli.support import streams

_CLUSTER_TIMEOUT_S = 30.0
_PACKAGES = ("osiris-inspect", "pandas", "pyarrow", "duckdb", "numpy", "orjson", "textual", "e2b")


class CheckedTarget(StrEnum):
    """Targets with further machines."""

    DASK = "dask"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor_command)


def doctor_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    on: Annotated[
        CheckedTarget | None, typer.Option("--on", help="Check the machines of a cluster too.")
    ] = None,
    scheduler: Scheduler = None,
    shared: Shared = None,
) -> None:
    """Check this machine: Python, packages, sandbox isolation, E2B, disk, memory.

    With --on dask also each machine of a cluster, and whether the store of --shared creates a name only once. Always exits with 0.
    """
    checks = _collect()
    if on is not None:
        checks["cluster"] = _cluster(scheduler, shared)
    if as_json:
        import orjson

        streams.write_json(orjson.dumps(checks, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    streams.write_stdout("".join(f"{name:<12} {text}\n" for name, text in _lines(checks)))


def _collect() -> dict[str, Any]:
    return {
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "os": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "missing": _missing_packages(),
        "isolation": _isolation(),
        "e2b": {"key": bool(os.environ.get("E2B_API_KEY")), "sdk": util.find_spec("e2b") is not None},
        "disk_free_bytes": shutil.disk_usage(Path.cwd()).free,
        "memory_bytes": _memory_bytes(),
        "memory_available_bytes": _available_memory_bytes(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "settings": _settings(),
    }


def _lines(checks: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "python", f"{checks['python']['version']}  {checks['python']['executable']}"
    yield "system", checks["os"]
    for name, version in checks["packages"].items():
        yield "package", f"{name} {version or 'not installed'}"
    for component, problem in checks["missing"].items():
        yield "component", f"{component}: {problem}"
    isolation = checks["isolation"]
    yield "isolation", f"--on sandbox uses {isolation['auto']}"
    for level, reason in isolation["levels"].items():
        yield "", f"{level}: {reason or 'works'}"
        protected = isolation["guarantees"].get(level, {})
        yield from (("", f"  protects {name}: {state}") for name, state in protected.items())
    yield "e2b", _e2b_status(checks["e2b"])
    yield "disk", f"{checks['disk_free_bytes'] / 1e9:,.1f} GB free in {Path.cwd()}"
    sizes = (("memory_bytes", "GB"), ("memory_available_bytes", "GB available"))
    known = (f"{checks[key] / 1e9:,.1f} {unit}" for key, unit in sizes if checks[key] is not None)
    yield "memory", ", ".join(known) or "unknown"
    yield "cpus", str(checks["cpus"])
    yield "settings", checks["settings"]
    if "cluster" in checks:
        yield from _cluster_lines(checks["cluster"])


def _e2b_status(e2b: dict[str, bool]) -> str:
    sdk = "SDK installed" if e2b["sdk"] else f"SDK not installed ({install_extras_command('e2b')})"
    return f"{sdk}, {'E2B_API_KEY is set' if e2b['key'] else 'E2B_API_KEY is not set'}"


def _cluster(scheduler: str | None, shared: str | None) -> dict[str, Any]:
    """Return a report of each machine by its address, or the error of the cluster."""
    from osiris_inspect.model.errors import OsirisError
    from osiris_inspect.runtime.cluster.dask_engine import DaskEngine
    from osiris_inspect.runtime.protocol.bundle import code_hash

    try:
        engine = DaskEngine(scheduler, machines=1)
        try:
            engine.open(_CLUSTER_TIMEOUT_S)
            return {**engine.details, "code": code_hash(), "machines": dict(engine.check_machines(shared))}
        finally:
            engine.close("")
    except OsirisError as error:
        return {"error": str(error)}


def _cluster_lines(cluster: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "error" in cluster:
        yield "cluster", cluster["error"]
        return
    yield "cluster", f"{cluster['engine']} {cluster['version']} at {cluster['scheduler']}"
    for address, machine in cluster["machines"].items():
        if "error" in machine:
            yield "machine", f"{address}: {machine['error']}"
            continue
        code = "the same code" if machine["code"] == cluster["code"] else "other code than here"
        yield (
            "machine",
            f"{address}: python {machine['python']}, osiris-inspect {machine['osiris-inspect']} ({code}), "
            f"isolation {machine['isolation']}, {machine['disk_free_bytes'] / 1e9:,.1f} GB free",
        )
        if "shared_error" in machine:
            yield "", f"shared store: {machine['shared_error'] or 'works, and creates a name only once'}"


def _isolation() -> dict[str, Any]:
    from osiris_inspect.runtime.sandbox import isolation
    from osiris_inspect.runtime.sandbox.grants import SandboxPermissions
    from osiris_inspect.runtime.sandbox.guarantees import guarantees

    levels = {level: isolation.unavailable_reason(level) for level in isolation.LEVELS}
    usual = SandboxPermissions(network=False, hidden=(Path(".env"),))  # a pipeline of files
    protected = {level: guarantees(level, usual) for level, reason in levels.items() if reason is None}
    return {"auto": isolation.choose("auto").level, "levels": levels, "guarantees": protected}


def _missing_packages() -> dict[str, str]:
    """Return the missing packages of each component that cannot run."""
    from osiris_inspect.model.errors import OsirisError
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    try:
        known = built_in.all_components()
    except OsirisError as error:
        return {"installed components": str(error)}
    missing = {}
    for name, component in known.items():
        modules = [module for module in component.requires if not _is_installed(module)]
        if modules:
            install = f"; {install_extras_command(component.extra)}" if component.extra else ""
            missing[name] = f"needs {', '.join(modules)} (not installed){install}"
    return missing


def _is_installed(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _settings() -> str:
    from osiris_inspect.model.errors import SettingsError
    from osiris_inspect.runtime import settings

    try:
        values = settings.read(os.environ).to_dict().values()
    except SettingsError as error:
        return str(error)
    changed = [f"{entry['variable']}={entry['value']}" for entry in values if entry["origin"] != "default"]
    return ", ".join(changed) or "all defaults"


def _memory_bytes() -> int | None:
    names = ("SC_PAGE_SIZE", "SC_PHYS_PAGES")
    return math.prod(map(os.sysconf, names)) if set(names) <= set(os.sysconf_names) else None


def _available_memory_bytes() -> int | None:
    """Return the memory that new programs can use, caches of files included; None if the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return int(kilobytes) * 1024 if kilobytes is not None else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
