"""Downloads artifacts from a remote worker; a file arrives complete or is reported missing."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts
from osiris_inspect.runtime.transport.transport import RemoteFile, Transport

ArtifactPolicy = Literal["none", "small", "all"]
SMALL_ARTIFACT_BYTES: Final = 5 * 1024 * 1024
"""Maximum bytes of a small artifact."""

EmitEvent = Callable[[str, Mapping[str, Any]], None]


def download_artifacts(
    transport: Transport, policy: ArtifactPolicy, run_dir: Path, base_dir: Path, emit: EmitEvent
) -> ProtocolError | None:
    """Download the output files, and the artifacts that the policy selects; emit an event per file.

    Artifacts are written into ``run_dir``, output files into ``base_dir``. Returns the error because of
    which an output file is missing; None if none is.
    """
    try:
        files = transport.list_remote_files()
    except ProtocolError as error:
        emit("artifacts_lost", {"error": str(error)})
        return _lost(f"cannot list the worker's files: {error}", error)
    failure: ProtocolError | None = None
    for file in files:
        reason = _skip_reason(file, policy)
        if reason is not None:
            emit("artifact_left", {"path": file.path, "bytes": file.bytes, "reason": reason})
            continue
        event_fields = {
            "path": file.path,
            "bytes": file.bytes,
            "sha256": file.sha256,
            "output": file.is_output,
        }
        try:
            transport.fetch(file, (base_dir if file.is_output else run_dir) / file.path)
        except (ProtocolError, OSError) as error:
            emit("artifact_lost", {**event_fields, "error": str(error)})
            if file.is_output:
                message = f"{file.path!r} was not downloaded from the worker: {error}"
                failure = failure or _lost(message, error, path=file.path, bytes=file.bytes)
        else:
            emit("artifact_fetched", event_fields)
    return failure


def _lost(message: str, error: ProtocolError | OSError, **facts: Any) -> ProtocolError:
    if isinstance(error, OSError):
        kind, own = kind_of(error, "artifact-lost"), os_error_facts(error)
    else:
        kind, own = error.kind, error.facts
    failure = ProtocolError(message, kind=kind, fix=None, **{**own, **facts})  # its text has the remedy
    failure.__cause__ = error
    return failure


def _skip_reason(file: RemoteFile, policy: ArtifactPolicy) -> str | None:
    if not layout.is_relative_and_safe(file.path):
        return "its path is outside its folder"
    if file.is_output or policy == "all":
        return None
    if policy == "none":
        return "no artifacts were requested"
    if file.bytes > SMALL_ARTIFACT_BYTES:
        return f"larger than {SMALL_ARTIFACT_BYTES:,} bytes; download it with --artifacts all"
    return None
