"""The files steps left, and whether they are what they claim to be.

A Parquet file without its magic bytes is corrupt: the original downloads binary files as text. A pickle is named and
never opened, since opening it would run a stranger's code.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from osiris_inspect.inspector.files.run_files import RunFiles
from osiris_inspect.inspector.run.run import Artifact, ArtifactState
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.run_types import RunMode

_MAGIC = b"PAR1"
_FOOTER = b"\x15"
"""How the metadata of a Parquet file begin: their first field, the version, is a whole number."""
_LONGEST_FOOTER = 1 << 20
"""Bytes of a footer up to which its beginning is looked at."""
_IN_RUN = "/artifacts/"
_DOWNLOAD_EVENTS: Mapping[str, ArtifactState] = {
    "artifact_left": "not_downloaded",
    "artifact_lost": "lost",
    "artifact_fetched": "missing",
}
DATA_KINDS = frozenset({"parquet", "pickle"})


@dataclass(frozen=True, slots=True)
class MissingArtifacts:
    """What is known of files that are not in the run directory.

    Attributes:
        states: the states of those that the log tells of, by path.
        otherwise: the state of data that the log does not tell of.
    """

    states: Mapping[str, ArtifactState]
    default: ArtifactState = "missing"


def missing_artifacts(events: Iterable[Event], mode: RunMode | None, disk: RunFiles) -> MissingArtifacts:
    """Which files did not come from where the steps ran: left there, lost on their way, or, here once, removed since."""
    states: dict[str, ArtifactState] = {}
    otherwise: ArtifactState = "not_downloaded" if mode == "e2b" or disk.is_partial else "missing"
    for event in events:
        path = event.fields.get("path")
        if event.name in _DOWNLOAD_EVENTS and isinstance(path, str):
            states[_relative(path)] = _DOWNLOAD_EVENTS[event.name]
        elif event.name == "artifacts_lost":
            otherwise = "lost"
    return MissingArtifacts(states, otherwise)


def artifacts_of(
    step: str, events: Sequence[Event], disk: RunFiles, absence: MissingArtifacts
) -> tuple[Artifact, ...]:
    """The artifacts of a step: those its events name, then spilled files that no event names."""
    found: dict[str, Artifact] = {}
    for event in events:
        path = event.fields.get("path")
        if event.name == "artifact_created" and isinstance(path, str):
            relative = _relative(path)
            kind = str(event.fields.get("artifact_type") or _kind(relative))
            found.setdefault(relative, _artifact(relative, kind, disk, absence, event.line))
    for relative in _spilled(step):
        if relative not in found and disk.size(relative) is not None:
            found[relative] = _artifact(relative, _kind(relative), disk, absence, 0)
    return tuple(found.values())


def _spilled(step: str) -> Iterator[str]:
    if layout.is_safe_name(step):
        yield layout.spill_path(step)
        yield f"{layout.artifacts_dir(step)}/output.pkl"


def _relative(path: str) -> str:
    """A path as the original's local runs write it, relative to the run: what follows the run's directory."""
    place = path.rfind(_IN_RUN)
    return path[place + 1 :] if place >= 0 else path


def _artifact(relative: str, kind: str, disk: RunFiles, absence: MissingArtifacts, line: int) -> Artifact:
    size = disk.size(relative) if layout.is_relative_and_safe(relative) else None
    return Artifact(
        relative, _normalized_kind(kind, relative), _state(relative, size, disk, absence), size, line
    )


def _state(relative: str, size: int | None, disk: RunFiles, absence: MissingArtifacts) -> ArtifactState:
    if size is None:
        # the original's host of a remote run fetches data only when asked to, and documents always
        untold = absence.default if disk.is_partial or _kind(relative) in DATA_KINDS else "missing"
        return absence.states.get(relative, untold)
    if relative.endswith(".parquet"):
        framed = size >= 12 and disk.head(relative, 4) == _MAGIC == disk.tail(relative, 4)
        return "present" if framed and _has_footer(relative, size, disk) else "corrupt"
    return "present"


def _has_footer(relative: str, size: int, disk: RunFiles) -> bool:
    """Whether the footer begins where the file says: a file that went through a text decoder keeps its magic bytes."""
    length = int.from_bytes(disk.tail(relative, 8)[:4], "little")
    if length > size - 12:
        return False
    unseen = length == 0 or length > _LONGEST_FOOTER  # left to whoever opens the file
    return unseen or disk.tail(relative, length + 8)[:1] == _FOOTER


def _kind(relative: str) -> str:
    suffix = PurePosixPath(relative).suffix.lstrip(".")
    return {"parquet": "parquet", "pkl": "pickle", "pickle": "pickle"}.get(suffix, suffix or "file")


def _normalized_kind(kind: str, relative: str) -> str:
    return _kind(relative) if _kind(relative) in DATA_KINDS else kind
