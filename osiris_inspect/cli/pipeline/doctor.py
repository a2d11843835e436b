"""``doctor``: what works here and what does not, so that nobody finds out in the middle of a run."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Any

import typer

_PACKAGES = ("osiris-inspect", "pandas", "pyarrow", "duckdb", "numpy", "orjson", "textual", "e2b")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor_command)


def doctor_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Say what works here: Python and packages, the local sandbox's isolation, E2B, disk and memory.

    Always ends with exit code 0: it tells, it does not judge.
    """
    found = _collect()
    if as_json:
        import orjson

        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for name, words in _lines(found):
        typer.echo(f"{name:<12} {words}")


def _collect() -> dict[str, Any]:
    return {
        "python": {"version": platform.python_version(), "executable": sys.executable},
        "os": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "missing": _missing_packages(),
        "isolation": _isolation(),
        "e2b": {"key": bool(os.environ.get("E2B_API_KEY")), "sdk": util.find_spec("e2b") is not None},
        "disk_free_bytes": shutil.disk_usage(Path.cwd()).free,
        "memory_bytes": _memory("SC_PHYS_PAGES"),
        "memory_free_bytes": _memory("SC_AVPHYS_PAGES"),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "settings": _settings(),
    }


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "python", f"{found['python']['version']}  {found['python']['executable']}"
    yield "system", found["os"]
    for name, version in found["packages"].items():
        yield "package", f"{name} {version or 'not installed'}"
    for component, words in found["missing"].items():
        yield "component", f"{component}: {words}"
    isolation = found["isolation"]
    yield "isolation", f"--on sandbox uses {isolation['auto']}"
    for level, reason in isolation["levels"].items():
        yield "", f"{level}: {reason or 'works'}"
    yield "e2b", _e2b_status(found["e2b"])
    yield "disk", f"{found['disk_free_bytes'] / 1e9:,.1f} GB free in {Path.cwd()}"
    free = found["memory_free_bytes"]
    yield (
        "memory",
        f"{found['memory_bytes'] / 1e9:,.1f} GB" + (f", {free / 1e9:,.1f} GB free" if free else ""),
    )
    yield "cpus", str(found["cpus"])
    yield "settings", found["settings"]


def _e2b_status(found: dict[str, bool]) -> str:
    sdk = "SDK installed" if found["sdk"] else "SDK not installed (pip install 'osiris-inspect[e2b]')"
    return f"{sdk}, {'E2B_API_KEY is set' if found['key'] else 'E2B_API_KEY is not set'}"


def _isolation() -> dict[str, Any]:
    from osiris_inspect.runtime.sandbox import isolation

    levels = {level: isolation.unavailable_reason(level) for level in isolation.LEVELS}
    return {"auto": isolation.choose("auto").level, "levels": levels}


def _missing_packages() -> dict[str, str]:
    """What keeps each component from running; components that can run are left out."""
    from osiris_inspect.model.errors import OsirisError
    from osiris_inspect.runtime.pipeline import builtin_components as built_in

    try:
        known = built_in.all_components()
    except OsirisError as error:
        return {"installed components": str(error)}
    words = {}
    for name, component in known.items():
        lacking = [module for module in component.requires if not _is_there(module)]
        if lacking:
            brings = f"; pip install 'osiris-inspect[{component.extra}]'" if component.extra else ""
            words[name] = f"misses {', '.join(lacking)}{brings}"
    return words


def _is_there(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _settings() -> str:
    from osiris_inspect.model.errors import SettingsError
    from osiris_inspect.runtime import settings

    try:
        told = settings.read(os.environ)
    except SettingsError as error:
        return str(error)
    values = told.to_dict().values()
    given = [f"{entry['variable']}={entry['value']}" for entry in values if entry["origin"] != "default"]
    return ", ".join(given) or "all at their defaults"


def _memory(name: str) -> int | None:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf(name) if name in os.sysconf_names else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
