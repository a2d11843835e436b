"""What a worker is given, named by hash: its own code, the manifest, configurations, components, and input files.

Both sides compute the hashes from what lies before them. One that differs ends the run before its first step: a worker
of another version, or a file cut on its way, would show as a wrong result instead.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidMessage
from osiris_inspect.runtime.files.atomic_write import write_atomic
from osiris_inspect.runtime.pipeline import pipeline_files as named_files
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.pipeline.pipeline_files import PipelineFiles

if TYPE_CHECKING:
    from osiris_inspect.runtime.pipeline.compiler import Compiled

COMPONENTS: Final = "artifacts/_system/components.json"
"""What the worker knows the components by; written by the host."""
_ROOMS: Final = ("base", "model", "runtime")
"""The folders of this package that a worker is made of."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The hashes of what a worker is given.

    Attributes:
        package: of the worker's own code.
        files: by path in the run directory.
        named: the host's files that the pipeline names.
    """

    package: str
    files: Mapping[str, str]
    input_files: PipelineFiles = field(default_factory=PipelineFiles)

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The host's files that the pipeline names as its input."""
        return self.input_files.read

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that the pipeline names as its output; they need not be there yet."""
        return self.input_files.written

    def to_dict(self) -> dict[str, Any]:
        """What is sent inside ``prepare`` and told in the log."""
        return {"package": self.package, "files": dict(self.files)}


def build_bundle(
    run: Path,
    compiled: "Compiled",
    components: Mapping[str, Component],
    base: Path,
    connections: Mapping[str, Mapping[str, Any]],
) -> Bundle:
    """Write the components of a pipeline into its run directory and name all its parts.

    Raises:
        OSError: the run directory cannot be written or read.
    """
    used = {
        step.driver: components[step.driver] for step in compiled.manifest.steps if step.driver in components
    }
    write_atomic(run / COMPONENTS, _document(used))
    names = [layout.MANIFEST, COMPONENTS, *(step.cfg_path for step in compiled.manifest.steps)]
    named = named_files.files_of_pipeline(compiled, used, base, connections)
    return Bundle(code_hash(), {name: sha256(run / name) for name in names}, named)


def verify_bundle(session: Path, wanted: Mapping[str, Any]) -> dict[str, str]:
    """Compare what lies here with what was sent; gives the hashes found.

    Raises:
        InvalidMessage: something is missing or differs; the message names it and both hashes.
    """
    package = wanted.get("package") and code_hash()
    if wanted.get("package") != package:
        text = f"the worker's own code is {package}, the host sent {wanted.get('package')}; they are of two versions"
        raise InvalidMessage(text)
    found = {}
    for name, expected in wanted.get("files", {}).items():
        if not layout.is_relative_and_safe(name):
            raise InvalidMessage(f"a file of the parcel would lead out of the run directory: {name!r}")
        path = session / name
        found[name] = sha256(path) if path.is_file() else "nothing"
        if found[name] != expected:
            raise InvalidMessage(f"{name} is {found[name]} here and {expected} on the host")
    return found


def load_components(session: Path) -> dict[str, Component]:
    """The components a host wrote into a run directory.

    Raises:
        InvalidMessage: the file is none of ours.
    """
    try:
        document = orjson.loads((session / COMPONENTS).read_bytes())
        return {name: _component(entry) for name, entry in document["components"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidMessage(f"{COMPONENTS} cannot be read: {type(error).__name__}: {error}") from error


def code_hash() -> str:
    """A hash over the code a worker is made of, file by file, as it lies on the disk now."""
    root = Path(__file__).parents[2]
    whole = hashlib.sha256()
    for path in code_files():
        whole.update(f"{path.relative_to(root).as_posix()}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return "sha256:" + whole.hexdigest()


def code_files() -> list[Path]:
    """The files a worker is made of, in order."""
    root = Path(__file__).parents[2]
    inner = (path for room in _ROOMS for path in (root / room).rglob("*.py"))
    return [root / "__init__.py", *sorted(inner)]


def sha256(path: Path) -> str:
    """The hash of a file, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def _document(used: Mapping[str, Component]) -> bytes:
    document = {
        "components": {name: asdict(component) for name, component in sorted(used.items())},
        "requirements": {extra: list(lines) for extra, lines in optional_requirements().items()},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@cache
def optional_requirements() -> Mapping[str, tuple[str, ...]]:
    """What this package needs installed, by extra; those it always needs under an empty name."""
    needs: dict[str, list[str]] = {"": []}
    try:
        lines = metadata.requires("osiris-inspect") or []
    except metadata.PackageNotFoundError:
        lines = []  # run from a copy without its metadata: nothing can be named, and nothing is guessed
    for line in lines:
        requirement, _, marker = line.partition(";")
        extra = marker.partition("extra ==")[2].strip().strip("'\"")
        needs.setdefault(extra, []).append(requirement.strip())
    return {extra: tuple(lines) for extra, lines in needs.items()}


def _component(entry: Mapping[str, Any]) -> Component:
    keys = tuple(ConfigKey(**_as_tuples(key)) for key in entry["keys"])
    return Component(**(_as_tuples(entry) | {"keys": keys}))


def _as_tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.name for item in (*fields(Component), *fields(ConfigKey))}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in entry.items()
        if name in known
    }
