"""The files steps left, and whether they are what they claim to be.

A Parquet file without its magic bytes is corrupt: the original downloads binary files as text. A pickle is named and
never opened, since opening it would run a stranger's code.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from osiris_inspect.inspector.disk import Disk
from osiris_inspect.inspector.run import Artifact, ArtifactState, Mode
from osiris_inspect.model import layout
from osiris_inspect.model.event import Event

_MAGIC = b"PAR1"
_IN_RUN = "/artifacts/"
DATA_KINDS = frozenset({"parquet", "pickle"})


def artifacts_of(step: str, events: Sequence[Event], disk: Disk, mode: Mode | None) -> tuple[Artifact, ...]:
    """The artifacts of a step: those its events name, then spilled files that no event names."""
    found: dict[str, Artifact] = {}
    for event in events:
        path = event.fields.get("path")
        if event.name == "artifact_created" and isinstance(path, str):
            relative = _relative(path)
            kind = str(event.fields.get("artifact_type") or _kind(relative))
            found.setdefault(relative, _artifact(relative, kind, disk, mode, event.line))
    for relative in _spilled(step):
        if relative not in found and disk.size(relative) is not None:
            found[relative] = _artifact(relative, _kind(relative), disk, mode, 0)
    return tuple(found.values())


def _spilled(step: str) -> Iterator[str]:
    if layout.is_safe_name(step):
        yield layout.parquet(step)
        yield f"{layout.artifacts(step)}/output.pkl"


def _relative(path: str) -> str:
    """A path as the original's local runs write it, relative to the run: what follows the run's directory."""
    place = path.rfind(_IN_RUN)
    return path[place + 1 :] if place >= 0 else path


def _artifact(relative: str, kind: str, disk: Disk, mode: Mode | None, line: int) -> Artifact:
    size = disk.size(relative) if layout.is_inside(relative) else None
    return Artifact(relative, _canonical(kind, relative), _state(relative, size, disk, mode), size, line)


def _state(relative: str, size: int | None, disk: Disk, mode: Mode | None) -> ArtifactState:
    if size is None:
        # the host of a remote run fetches data only when asked to
        remote_data = mode == "e2b" and _kind(relative) in DATA_KINDS
        return "not_downloaded" if remote_data else "missing"
    if relative.endswith(".parquet"):
        intact = size >= 12 and disk.head(relative, 4) == _MAGIC == disk.tail(relative, 4)
        return "present" if intact else "corrupt"
    return "present"


def _kind(relative: str) -> str:
    suffix = PurePosixPath(relative).suffix.lstrip(".")
    return {"parquet": "parquet", "pkl": "pickle", "pickle": "pickle"}.get(suffix, suffix or "file")


def _canonical(kind: str, relative: str) -> str:
    return _kind(relative) if _kind(relative) in DATA_KINDS else kind
