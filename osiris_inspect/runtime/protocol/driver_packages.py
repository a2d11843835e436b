"""Packages that contribute components by an entry point, and their files for a worker that lacks them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from osiris_inspect.runtime.pipeline.component import GROUP, Component

MAX_PACKAGE_BYTES: Final = 10 * 1024 * 1024
"""Maximum bytes of a package that is uploaded."""
_COMPILED: Final = (*EXTENSION_SUFFIXES, ".so", ".pyd", ".dylib")


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """Files of packages.

    Attributes:
        files: by path below a folder that Python imports from.
        metadata: texts of ``METADATA`` by such a path.
        left_out: the packages that cannot be uploaded, with the reason.
    """

    files: dict[str, Path] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def driver_packages(components: Iterable[Component]) -> tuple[str, ...]:
    """Return the packages of drivers that an installed distribution contributes by an entry point."""
    names = {_top_level(component.driver) for component in components}
    return tuple(sorted(names & _distributions().keys() - {"osiris_inspect"}))


def requirements_of(packages: Iterable[str], components: Iterable[Component]) -> dict[str, str]:
    """Return a requirement for each module that the components of ``packages`` need, with its version here."""
    own, packages = _distributions(), frozenset(packages)
    requirements = {name: _requirement(own[name]) for name in packages}
    needed = {
        module
        for component in components
        if _top_level(component.driver) in packages
        for module in component.requires
    }
    names = metadata.packages_distributions() if needed else {}
    for module in needed:
        name = next(iter(names.get(_top_level(module), ())), None)
        requirement = _requirement(metadata.distribution(name)) if name else _top_level(module)
        requirements.setdefault(module, requirement)
    return requirements


def find_files(packages: Iterable[str]) -> PackageFiles:
    """Return the files of packages. Compiled code may not run elsewhere, so its package is left out."""
    found = PackageFiles()
    own = _distributions()
    for name in packages:
        files = dict(_files_of(name))
        size = sum(path.stat().st_size for path in files.values())
        if not files:
            found.left_out[name] = "its files were not found"
        elif any(path.name.endswith(_COMPILED) for path in files.values()):
            found.left_out[name] = "it contains compiled code"
        elif size > MAX_PACKAGE_BYTES:
            found.left_out[name] = f"it has {size:,} bytes, more than {MAX_PACKAGE_BYTES:,}"
        else:
            found.files.update(files)
            distribution = own[name]
            text = distribution.read_text("METADATA")
            if text:
                folder = f"{distribution.name.replace('-', '_')}-{distribution.version}.dist-info"
                found.metadata[f"{folder}/METADATA"] = text
    return found


def _files_of(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the files of a package or module, hidden files and bytecode excepted."""
    spec = find_spec(name)
    locations = spec.submodule_search_locations if spec is not None else None
    if spec is not None and locations is None and spec.origin is not None:
        path = Path(spec.origin)
        yield path.name, path
    for location in locations or ():
        root = Path(location)
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            is_hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
            if path.is_file() and not is_hidden:
                yield f"{name}/{'/'.join(parts)}", path


def _distributions() -> Mapping[str, metadata.Distribution]:
    """Return the distributions that contribute components, by the package that their entry point names."""
    entries = metadata.entry_points(group=GROUP)
    return {_top_level(entry.value): entry.dist for entry in entries if entry.dist is not None}


def _requirement(distribution: metadata.Distribution) -> str:
    return f"{distribution.name}=={distribution.version}"


def _top_level(name: str) -> str:
    return name.partition(":")[0].partition(".")[0].strip()
