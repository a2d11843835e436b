"""Request to run a chain on a machine, and its result: values that cross as JSON and hold no secret."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import orjson

from osiris_inspect.runtime.cluster.shared_store import StoredFile

Outcome = Literal["done", "abandoned", "claimed_before", "not_ready", "stopped"]
"""``claimed_before``: another node claimed the attempt and wrote no fate. ``not_ready``: the secrets did not arrive."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """File on the shared store, and its path on a machine: in the run directory, or in the base folder."""

    path: str
    file: StoredFile
    is_output: bool = False


@dataclass(frozen=True, slots=True)
class SharedFrame:
    """Frame on the shared store: the files of its spill, ``schema.json`` last, and the attempt that wrote it."""

    step: str
    attempt: int
    fingerprint: str
    files: tuple[NamedFile, ...]

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(each.file.bytes for each in self.files)


@dataclass(frozen=True, slots=True)
class ChainRequest:
    """Request to run a chain once.

    Attributes:
        run: name of the run.
        steps: the steps of the chain, in order; the first one names it.
        attempt: number of the attempt, from 1; every step of the chain has it.
        counts_attempts: True if the events of the steps carry the attempt.
        shared: URL of the shared store.
        bundle: archive with the manifest, the configurations and the components.
        contents: hashes of the bundle, as ``Bundle.to_dict`` returns them.
        inputs: files of the pipeline's folder that the steps read.
        folders: folders below the pipeline's folder that outputs are written into.
        frames: frames of other chains that the steps take.
        gives: steps whose frames other chains take.
        settings: the settings of the run, as ``Settings.to_dict`` returns them.
        isolation: the requested isolation.
        memory_bytes: limit of the worker's memory; None for no limit.
        max_artifact_bytes: largest artifact that is uploaded.
        has_secrets: True if the secrets of the chain are sent separately.
    """

    run: str
    steps: tuple[str, ...]
    attempt: int
    shared: str
    bundle: StoredFile
    contents: Mapping[str, Any]
    inputs: tuple[NamedFile, ...] = ()
    folders: tuple[str, ...] = ()
    frames: tuple[SharedFrame, ...] = ()
    gives: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    isolation: str = "auto"
    memory_bytes: int | None = None
    max_artifact_bytes: int = 0
    counts_attempts: bool = False
    has_secrets: bool = False

    @property
    def chain(self) -> str:
        """Name of the chain."""
        return self.steps[0]

    def key(self, folder: str) -> str:
        """Return the key of an object of this attempt in a folder of the run, such as ``claims``."""
        return attempt_key(self.run, folder, self.chain, self.attempt)

    def encode(self) -> bytes:
        """Return the request as JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> "ChainRequest":
        """Return the request in JSON that ``encode`` returned."""
        entry = orjson.loads(data)
        return cls(
            **entry
            | {
                "steps": tuple(entry["steps"]),
                "bundle": StoredFile(**entry["bundle"]),
                "inputs": tuple(map(_named_file, entry["inputs"])),
                "folders": tuple(entry["folders"]),
                "frames": tuple(map(_frame, entry["frames"])),
                "gives": tuple(entry["gives"]),
            }
        )


@dataclass(frozen=True, slots=True)
class ChainResult:
    """Result of an attempt.

    Attributes:
        node: the machine and process that ran it; for ``claimed_before`` the one that claimed it.
        answers: for each step that ran, the body of its response, or ``{"failed": error}``.
        frames: frames that were uploaded for other chains.
        files: outputs and artifacts that were uploaded.
        lines: number of lines of the attempt.
        line_file: the lines on the shared store; None if the attempt did not end.
        is_replayed: True if an earlier try of the engine ran the attempt, and this is its record.
        failure: why no step could run; empty if the worker was prepared.
        packages: the packages that the worker imports from, if it was prepared in this attempt.
    """

    outcome: Outcome
    node: str
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    frames: tuple[SharedFrame, ...] = ()
    files: tuple[NamedFile, ...] = ()
    lines: int = 0
    line_file: StoredFile | None = None
    is_replayed: bool = False
    failure: Mapping[str, Any] = field(default_factory=dict)
    packages: Mapping[str, Any] | None = None

    @property
    def frame_bytes(self) -> int:
        """Bytes of the uploaded frames."""
        return sum(frame.bytes for frame in self.frames)

    def encode(self) -> bytes:
        """Return the result as JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> "ChainResult":
        """Return the result in JSON that ``encode`` returned."""
        entry = orjson.loads(data)
        line_file = entry["line_file"]
        return cls(
            **entry
            | {
                "frames": tuple(map(_frame, entry["frames"])),
                "files": tuple(map(_named_file, entry["files"])),
                "line_file": None if line_file is None else StoredFile(**line_file),
            }
        )


@dataclass(frozen=True, slots=True)
class ChainSecrets:
    """Connections and secrets that only the steps of a chain receive; ``repr`` shows no value.

    Attributes:
        connections: resolved connections by step.
        configs: configurations by step that are masked in their files.
        values: secrets that are masked in everything that is written.
        by_step: the secrets of each step's connection.
        names: secrets that are words or names, which are masked by their place.
    """

    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    values: tuple[str, ...] = field(default=(), repr=False)
    by_step: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    names: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_empty(self) -> bool:
        """True if the steps need nothing that is not in the bundle."""
        return not (self.connections or self.configs or self.values)

    def encode(self) -> bytes:
        """Return the secrets as JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> "ChainSecrets":
        """Return the secrets in JSON that ``encode`` returned."""
        entry = orjson.loads(data)
        by_step = {step: tuple(values) for step, values in entry["by_step"].items()}
        return cls(
            **entry | {"values": tuple(entry["values"]), "names": tuple(entry["names"]), "by_step": by_step}
        )


def attempt_key(run: str, folder: str, chain: str, attempt: int) -> str:
    """Return the key of an object of an attempt."""
    return f"{run}/{folder}/{chain}/{attempt}"


def _named_file(entry: Mapping[str, Any]) -> NamedFile:
    return NamedFile(entry["path"], StoredFile(**entry["file"]), entry["is_output"])


def _frame(entry: Mapping[str, Any]) -> SharedFrame:
    files = tuple(map(_named_file, entry["files"]))
    return SharedFrame(entry["step"], entry["attempt"], entry["fingerprint"], files)
