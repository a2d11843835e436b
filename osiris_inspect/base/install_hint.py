"""Commands that install missing packages into the environment of this program, as its installer does it."""

import shlex
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, Final

_PROGRAM: Final = "osiris-inspect"
_UV_RECEIPT: Final = "uv-receipt.toml"
_PIPX_RECEIPT: Final = "pipx_metadata.json"
_SOURCES: Final = ("directory", "editable", "path", "url", "git")


def extra_requirements(extras: Iterable[str]) -> list[str]:
    """Return the requirements of extras of this program; empty if it is not installed as a package."""
    try:
        declared = requires(_PROGRAM) or []
    except PackageNotFoundError:
        return []
    markers = {f"extra=='{extra}'" for extra in extras}
    found = []
    for line in declared:
        requirement, _, marker = line.partition(";")
        if marker.replace(" ", "").replace('"', "'") in markers:
            found.append(requirement.strip())
    return list(dict.fromkeys(found))


def install_command(
    requirements: Iterable[str], prefix: Path | None = None, python: str | None = None
) -> str:
    """Return the command that adds requirements to the environment of this process, or of ``prefix`` and ``python``.

    An environment of uv or pipx is recognized by the receipt that they keep in it.
    """
    prefix, python = prefix or Path(sys.prefix), python or sys.executable
    quoted = [shlex.quote(requirement) for requirement in requirements]
    if (prefix / _UV_RECEIPT).is_file():
        return _uv_tool(prefix / _UV_RECEIPT, quoted)
    if (prefix / _PIPX_RECEIPT).is_file():
        return " ".join(["pipx", "inject", _PROGRAM, *quoted])
    pip = " ".join([shlex.quote(python), "-m", "pip", "install", *quoted])
    if find_spec("pip") is not None:
        return pip
    if which("uv") is not None:
        return " ".join(["uv", "pip", "install", "--python", shlex.quote(python), *quoted])
    return f"{shlex.quote(python)} -m ensurepip && {pip}"


def install_extras_command(*extras: str) -> str:
    """Return the command that installs the packages of extras."""
    return install_command(extra_requirements(extras) or [f"{_PROGRAM}[{','.join(extras)}]"])


def _uv_tool(receipt: Path, quoted: Iterable[str]) -> str:
    """Return the command that installs the tool anew, with what it was installed with and the new requirements."""
    try:
        entries = tomllib.loads(receipt.read_text(encoding="utf-8"))["tool"]["requirements"]
    except (OSError, ValueError, KeyError, TypeError):
        entries = []  # the format of a future version; the name of the tool is still right
    own: dict[str, Any] = next((entry for entry in entries if entry.get("name") == _PROGRAM), {})
    others = [shlex.quote(_requirement(entry)) for entry in entries if entry.get("name") != _PROGRAM]
    added = [word for requirement in [*others, *quoted] for word in ("--with", requirement)]
    return " ".join(["uv", "tool", "install", shlex.quote(_requirement(own)), *added])


def _requirement(entry: dict[str, Any]) -> str:
    source = next((str(entry[key]) for key in _SOURCES if key in entry), None)
    if source is not None:
        return f"git+{source}" if "git" in entry else source
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    return f"{entry.get('name', _PROGRAM)}{extras}{entry.get('specifier', '')}"
