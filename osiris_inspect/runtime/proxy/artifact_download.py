"""Files of a far worker come home: whole, or not at all and said so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.runtime.transport.transport import RemoteFile, Transport

ArtifactPolicy = Literal["none", "small", "all"]
SMALL_ARTIFACT_BYTES: Final = 5 * 1024 * 1024
"""Bytes of the largest artifact that is small."""

EmitEvent = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class DownloadTargets:
    """Where the files belong: artifacts into the run directory, what the pipeline wrote into its own folder."""

    run_dir: Path
    base_dir: Path


def download_artifacts(
    transport: Transport, artifacts: ArtifactPolicy, homes: DownloadTargets, tell: EmitEvent
) -> str | None:
    """Fetch what lies only where the worker is; gives why something that matters did not come, None where all did.

    What the pipeline wrote always comes. Of the artifacts come those that were asked for; the others are told of.
    """
    try:
        files = transport.list_remote_files()
    except ProtocolError as error:
        tell("artifacts_lost", {"error": str(error)})
        return f"the worker's files could not be listed: {error}"
    lost = None
    for file in files:
        reason = _skip_reason(file, artifacts)
        if reason is not None:
            tell("artifact_left", {"path": file.path, "bytes": file.bytes, "reason": reason})
            continue
        error_text = _fetch(transport, file, homes, tell)
        if error_text is not None and file.is_output:
            lost = lost or f"{file.path} did not come back from the worker: {error_text}"
    return lost


def _skip_reason(file: RemoteFile, artifacts: ArtifactPolicy) -> str | None:
    if not layout.is_relative_and_safe(file.path):
        return "its path leads out of its folder"
    if file.is_output or artifacts == "all":
        return None
    if artifacts == "none":
        return "no artifacts were asked for"
    return (
        None
        if file.bytes <= SMALL_ARTIFACT_BYTES
        else f"larger than {SMALL_ARTIFACT_BYTES:,} bytes; --artifacts all brings it"
    )


def _fetch(transport: Transport, file: RemoteFile, homes: DownloadTargets, tell: EmitEvent) -> str | None:
    to = (homes.base_dir if file.is_output else homes.run_dir) / file.path
    told = {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "output": file.is_output}
    try:
        transport.fetch(file, to)
    except (ProtocolError, OSError) as error:
        tell("artifact_lost", {**told, "error": str(error)})
        return str(error)
    tell("artifact_fetched", told)
    return None
