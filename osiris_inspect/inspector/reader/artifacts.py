"""Determines the artifacts of steps and their states.

A Parquet file without its magic bytes is corrupt: the original downloads binary files as text. A pickle is
never opened, because that would execute code from the run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import Artifact, ArtifactState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.run_types import RunMode

_MAGIC = b"PAR1"
_FOOTER = b"\x15"
"""First byte of the metadata of a Parquet file: the version field."""
_MAX_FOOTER_BYTES = 1 << 20
"""Maximum size of a footer whose beginning is checked."""
_IN_RUN = "/artifacts/"
_DOWNLOAD_EVENTS: Mapping[str, ArtifactState] = {
    "artifact_left": "not_downloaded",
    "artifact_lost": "lost",
    "artifact_fetched": "missing",
}
DATA_KINDS = frozenset({"parquet", "pickle"})


class MissingArtifacts(NamedTuple):
    """States of files that are not in the run directory.

    Attributes:
        states: logged states by path.
        default: the state of other data files.
    """

    states: Mapping[str, ArtifactState]
    default: ArtifactState = "missing"


def missing_artifacts(events: Iterable[Event], mode: RunMode | None, disk: RunFiles) -> MissingArtifacts:
    """Return the states of files that were not downloaded, lost, or deleted since."""
    states: dict[str, ArtifactState] = {}
    default: ArtifactState = "not_downloaded" if mode in ("e2b", "dask") or disk.is_partial else "missing"
    for event in events:
        path = event.fields.get("path")
        if event.name in _DOWNLOAD_EVENTS and isinstance(path, str):
            states[_relative(path)] = _DOWNLOAD_EVENTS[event.name]
        elif event.name == "artifacts_lost":
            default = "lost"
    return MissingArtifacts(states, default)


def artifacts_of(
    step: str, events: Sequence[Event], disk: RunFiles, missing: MissingArtifacts
) -> tuple[Artifact, ...]:
    """Return the artifacts of a step: those in its events, followed by spilled files without an event."""
    artifacts: dict[str, Artifact] = {}
    for event in events:
        path = event.fields.get("path")
        if event.name == "artifact_created" and isinstance(path, str):
            relative = _relative(path)
            kind = str(event.fields.get("artifact_type") or _kind(relative))
            artifacts.setdefault(relative, _artifact(relative, kind, disk, missing, event.line))
    for relative in _spilled(step):
        if relative not in artifacts and disk.size(relative) is not None:
            artifacts[relative] = _artifact(relative, _kind(relative), disk, missing, 0)
    return tuple(artifacts.values())


def _spilled(step: str) -> Iterator[str]:
    if layout.is_safe_name(step):
        yield layout.spill_path(step)
        yield f"{layout.artifacts_dir(step)}/output.pkl"


def _relative(path: str) -> str:
    """Return a path relative to the run directory; local runs of the original log longer ones."""
    start = path.rfind(_IN_RUN)
    return path[start + 1 :] if start >= 0 else path


def _artifact(relative: str, kind: str, disk: RunFiles, missing: MissingArtifacts, line: int) -> Artifact:
    size = disk.size(relative) if layout.is_relative_and_safe(relative) else None
    return Artifact(
        relative, _normalized_kind(kind, relative), _state(relative, size, disk, missing), size, line
    )


def _state(relative: str, size: int | None, disk: RunFiles, missing: MissingArtifacts) -> ArtifactState:
    if size is None:
        # the original downloads documents always, and data only on request
        default = missing.default if disk.is_partial or _kind(relative) in DATA_KINDS else "missing"
        return missing.states.get(relative, default)
    if relative.endswith(".parquet"):
        has_magic = size >= 12 and disk.head(relative, 4) == _MAGIC == disk.tail(relative, 4)
        return "present" if has_magic and _has_footer(relative, size, disk) else "corrupt"
    return "present"


def _has_footer(relative: str, size: int, disk: RunFiles) -> bool:
    """Return True if the footer begins where the file says; a text decoder keeps the magic bytes only."""
    length = int.from_bytes(disk.tail(relative, 8)[:4], "little")
    if length > size - 12:
        return False
    is_unchecked = length == 0 or length > _MAX_FOOTER_BYTES  # checked when the file is opened
    return is_unchecked or disk.tail(relative, length + 8)[:1] == _FOOTER


def _kind(relative: str) -> str:
    suffix = PurePosixPath(relative).suffix.lstrip(".")
    return {"parquet": "parquet", "pkl": "pickle", "pickle": "pickle"}.get(suffix, suffix or "file")


def _normalized_kind(kind: str, relative: str) -> str:
    return _kind(relative) if _kind(relative) in DATA_KINDS else kind
