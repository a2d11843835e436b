"""Contents of a worker by hash: its code, the manifest, configurations, components and input files.

Proxy and worker compute the hashes independently. The run ends before its first step if one differs, because
a worker of another version or a truncated file could produce a wrong result.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidMessage
from osiris_inspect.runtime.files.atomic_write import write_atomic
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.pipeline.pipeline_files import PipelineFiles
from osiris_inspect.runtime.protocol import driver_packages
from osiris_inspect.runtime.protocol.dependencies import COMPONENTS, read_component_specs

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

PACKAGE_DIR: Final = Path(__file__).parents[2]
_WORKER_FOLDERS: Final = ("base", "model", "runtime")
"""The folders of this package that a worker consists of."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Hashes of the contents of a worker.

    Attributes:
        package: hash of the worker's code.
        files: hashes by path in the run directory.
        named_files: the host's files that the pipeline reads, writes or lists.
        driver_packages: packages of third-party drivers, which a remote worker may lack.
    """

    package: str
    files: Mapping[str, str]
    named_files: PipelineFiles = field(default_factory=PipelineFiles)
    driver_packages: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the hashes, as sent in ``prepare`` and logged."""
        return {"package": self.package, "files": dict(self.files)}


def build_bundle(
    run: Path,
    compiled: "Compiled",
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
    frames: Sequence[str] = (),
) -> Bundle:
    """Write the components of a pipeline into its run directory and hash the contents of the worker.

    ``frames`` are files of frames in the run directory that the steps take.

    Raises:
        OSError: the run directory cannot be written or read.
    """
    steps = compiled.manifest.steps
    used = {step.driver: components[step.driver] for step in steps if step.driver in components}
    packages = driver_packages.driver_packages(used.values())
    document = {
        "components": {name: asdict(component) for name, component in sorted(used.items())},
        "requirements": {extra: list(lines) for extra, lines in optional_requirements().items()},
    }
    if packages:
        document["packages"] = driver_packages.requirements_of(packages, used.values())
    write_atomic(
        run / COMPONENTS, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )
    names = [layout.MANIFEST, COMPONENTS, *(step.cfg_path for step in steps), *frames]
    named = pipeline_files.files_of_pipeline(compiled, used, base, connections)
    return Bundle(code_hash(), {name: sha256(run / name) for name in names}, named, packages)


def verify_bundle(run_dir: Path, expected: Mapping[str, Any]) -> dict[str, str]:
    """Compare the files in the run directory with ``Bundle.to_dict`` of the proxy; return their hashes.

    Raises:
        InvalidMessage: a file is missing or differs; the message names it and both hashes.
    """
    expected_code = expected.get("package")
    if expected_code and expected_code != code_hash():
        raise InvalidMessage(
            f"worker and host run different versions: the worker's code is {code_hash()}, "
            f"the host sent {expected_code}",
            kind="version-mismatch",
            fix="install the same version on both sides",
            worker=code_hash(),
            host=expected_code,
        )
    hashes = {}
    for name, expected_hash in expected.get("files", {}).items():
        if not layout.is_relative_and_safe(name):
            raise InvalidMessage(
                f"bundle refused: {name!r} is outside the run directory",
                kind="path-outside-run",
                fix="compile the pipeline again",
                path=name,
            )
        path = run_dir / name
        hashes[name] = sha256(path) if path.is_file() else "missing"
        if hashes[name] != expected_hash:
            raise InvalidMessage(
                f"{name!r} differs between worker and host: {hashes[name]} in the worker, {expected_hash} on the host",
                kind="bundle-differs",
                fix="run again, and do not change the run directory meanwhile",
                path=name,
                worker=hashes[name],
                host=expected_hash,
            )
    return hashes


def load_components(run_dir: Path) -> dict[str, Component]:
    """Return the components that the proxy wrote into a run directory.

    Raises:
        InvalidMessage: the file cannot be read or has another format.
    """
    try:
        document = read_component_specs(run_dir)
        return {name: _to_component(entry) for name, entry in document["components"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"cannot read {COMPONENTS!r}: {type(error).__name__}: {error}"
        fix = "install the same version on both sides"
        raise InvalidMessage(message, kind="bundle-differs", fix=fix, path=COMPONENTS) from error


def code_hash() -> str:
    """Return a hash over all code files of a worker."""
    digest = hashlib.sha256()
    for path in code_files():
        digest.update(f"{path.relative_to(PACKAGE_DIR).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return "sha256:" + digest.hexdigest()


def code_files() -> list[Path]:
    """Return the code files of a worker, sorted."""
    files = (path for folder in _WORKER_FOLDERS for path in (PACKAGE_DIR / folder).rglob("*.py"))
    return [PACKAGE_DIR / "__init__.py", *sorted(files)]


def sha256(path: Path) -> str:
    """Return the hash of a file.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


@cache
def optional_requirements() -> Mapping[str, tuple[str, ...]]:
    """Return the requirements of this package by extra; the unconditional ones have the empty name."""
    requirements: dict[str, list[str]] = {"": []}
    try:
        lines = metadata.requires("osiris-inspect") or []
    except metadata.PackageNotFoundError:
        lines = []  # a source tree without metadata
    for line in lines:
        requirement, _, marker = line.partition(";")
        extra = marker.partition("extra ==")[2].strip().strip("'\"")
        requirements.setdefault(extra, []).append(requirement.strip())
    return {extra: tuple(lines) for extra, lines in requirements.items()}


def _to_component(entry: Mapping[str, Any]) -> Component:
    keys = tuple(ConfigKey(**_lists_to_tuples(key)) for key in entry["keys"])
    return Component(**(_lists_to_tuples(entry) | {"keys": keys}))


def _lists_to_tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
