"""Downloads the files that the host asks a remote worker for, and no others.

The remote side names its files, sizes and hashes. A name is accepted only if it is an output of a step that
succeeded, or below the artifacts of a step; all others are reported and stay where they are. A file arrives
complete or is reported missing.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal

from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.runtime.files.beneath import opened_folder, replace_beneath
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.protocol.dependencies import INSTALL_LOG
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts
from osiris_inspect.runtime.transport.remote_files import RemoteFile, name_below
from osiris_inspect.runtime.transport.transport import Transport

ArtifactPolicy = Literal["none", "frames", "small", "all"]
"""``frames``: kept frames only, after an interrupted run."""
SMALL_ARTIFACT_BYTES: Final = 5 * 1024 * 1024
"""Maximum bytes of a small artifact."""
MAX_DOWNLOAD_BYTES: Final = 64 * 1024**3
"""Maximum bytes of all files of a run."""
_MAX_DISK_FRACTION: Final = 0.95
"""Fraction of the free disk space that one file may take."""
_NOT_SELECTED: Final[Mapping[str, str]] = {
    "none": "no artifacts were requested",
    "frames": "the run was interrupted",
}
"""Policy to the reason why other artifacts are left."""
_MAX_ARTIFACTS: Final = 10_000
_MAX_FAILED_ARTIFACTS: Final = 5
"""Failed downloads after which no further artifact is tried: each one may take a timeout."""
_MAX_DEPTH: Final = 20
"""Levels of folders in the name of an artifact."""
_MAX_REPORTED: Final = 20
_MAX_PATH_CHARS: Final = 300

EmitEvent = Callable[[str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class OutputFile:
    """File outside the run directory that a step writes.

    Attributes:
        name: its path below the base folder, as the worker sees it.
        target: its path below the base folder of the host, symbolic links resolved.
        is_required: True if the step always writes it.
    """

    name: str
    target: str
    step: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """Files that the host asks a remote worker for.

    Attributes:
        base_dir: the folder that outputs are written below.
        steps: the steps whose artifacts are accepted.
        succeeded: the steps whose outputs are accepted.
        frames: artifacts that are files of kept frames, which ``small`` selects up to ``max_frames_bytes`` in all.
        uploaded: files of the run directory that the host sent, which stay as they are.
    """

    policy: ArtifactPolicy
    run_dir: Path
    base_dir: Path
    outputs: Sequence[OutputFile]
    steps: Collection[str]
    succeeded: Collection[str]
    frames: Collection[str] = ()
    max_frames_bytes: int = 0
    uploaded: Collection[str] = ()

    @property
    def max_artifact_bytes(self) -> int:
        """The largest artifact that the policy selects."""
        small = max(SMALL_ARTIFACT_BYTES, self.max_frames_bytes if self.frames else 0)
        limits = {"none": 0, "frames": self.max_frames_bytes, "small": small, "all": MAX_DOWNLOAD_BYTES}
        return limits[self.policy]


@dataclass(frozen=True, slots=True)
class DownloadResult:
    """Result of a download.

    Attributes:
        failure: the error because of which an output file is missing; None if none is.
        frames_left: files of kept frames that were too large, with their bytes.
    """

    failure: ProtocolError | None = None
    frames_left: Mapping[str, int] = field(default_factory=dict)


def output_file(path: Path, base: Path, step: str, *, is_required: bool) -> OutputFile:
    """Return the output file of a step.

    Raises:
        WorkerStartFailed: the path is outside ``base``.
    """
    target = resolved(path).relative_to(resolved(base)).as_posix()
    return OutputFile(name_below(path, base, "writes"), target, step, is_required)


def download_files(transport: Transport, request: DownloadRequest, emit: EmitEvent) -> DownloadResult:
    """Download the outputs, and the artifacts that the policy selects; emit an event per file."""
    started = monotonic()
    names = list(dict.fromkeys(output.name for output in request.outputs))
    try:
        listing = transport.list_remote_files(names, (request.max_artifact_bytes, MAX_DOWNLOAD_BYTES))
    except ProtocolError as error:
        emit("artifacts_lost", {"error": str(error)})
        return DownloadResult(_lost(f"cannot list the worker's files: {error}", error))
    download = _Download(transport, request, emit)
    for file in listing.files:
        download.process(file)
    download.report_refused(listing.invalid_lines)
    download.check_outputs()
    duration_ms = (monotonic() - started) * 1000
    emit("phase", {"name": "download", "duration_ms": duration_ms, "bytes": download.received})
    return DownloadResult(download.failure, download.frames_left)


class _Download:
    """Download of the files of one listing.

    Attributes:
        failure: the first error because of which an output is missing.
        received: bytes of the files that were downloaded.
        frames_left: files of kept frames that were too large, with their bytes.
    """

    def __init__(self, transport: Transport, request: DownloadRequest, emit: EmitEvent) -> None:
        self.failure: ProtocolError | None = None
        self._transport, self._request, self._emit = transport, request, emit
        self._outputs: dict[str, list[OutputFile]] = {}
        for output in request.outputs:
            self._outputs.setdefault(output.name, []).append(output)
        self._counts: Counter[str] = Counter()
        self.received = 0
        self.frames_left: dict[str, int] = {}
        self._frames_bytes = 0
        self._seen: set[tuple[str, bool]] = set()

    def process(self, file: RemoteFile) -> None:
        """Refuse a file, leave it or download it."""
        if not file.is_output and file.path in self._request.uploaded:
            return
        reason = self._refusal(file)
        if reason is not None:
            self._refuse(file, reason)
            return
        self._seen.add((file.path, file.is_output))
        reason = self._skip_reason(file)
        if reason is not None:
            self._emit("artifact_left", {"path": file.path, "bytes": file.bytes, "reason": reason})
            return
        self._fetch(file)

    def report_refused(self, invalid_lines: int) -> None:
        """Report how many files were refused beyond those reported one by one."""
        more = max(0, self._counts["refused"] - _MAX_REPORTED)
        if more or invalid_lines:
            self._emit("artifacts_refused", {"count": more, "invalid_lines": invalid_lines})

    def check_outputs(self) -> None:
        """Report the outputs of successful steps that the listing does not name."""
        for output in self._request.outputs:
            is_expected = output.is_required and output.step in self._request.succeeded
            if is_expected and (output.name, True) not in self._seen:
                error = ProtocolError(
                    "it is not a file of the sandbox", kind="artifact-lost", fix="run again", path=output.name
                )
                self._lose(RemoteFile(output.name, 0, None, is_output=True), error)

    def _refusal(self, file: RemoteFile) -> str | None:
        """Return why the host does not accept a file; None if it asked for it."""
        if file.is_output and file.path not in self._outputs:
            return "no step of the pipeline writes it"
        if not file.is_output and not self._is_artifact(file.path):
            return "it is not an artifact of a step"
        if file.special is not None:
            return f"it is {file.special}"
        if (file.path, file.is_output) in self._seen:
            return "it is listed twice"
        if not file.is_output and len(self._seen) >= _MAX_ARTIFACTS:
            return f"there are more than {_MAX_ARTIFACTS:,} artifacts"
        return None

    def _is_artifact(self, path: str) -> bool:
        root, _, rest = path.partition("/")
        step, _, name = rest.partition("/")
        parts = name.split("/")
        is_plain = (
            name.isprintable() and all(parts) and not {".", ".."} & set(parts) and len(parts) <= _MAX_DEPTH
        )
        return path == INSTALL_LOG or (root == "artifacts" and step in self._request.steps and is_plain)

    def _refuse(self, file: RemoteFile, reason: str) -> None:
        self._counts["refused"] += 1
        if self._counts["refused"] <= _MAX_REPORTED:
            path = file.path[:_MAX_PATH_CHARS]
            self._emit("artifact_refused", {"path": path, "output": file.is_output, "reason": reason})

    def _skip_reason(self, file: RemoteFile) -> str | None:
        """Return why an accepted file is not downloaded; None if it is."""
        if file.is_output:
            is_written = any(output.step in self._request.succeeded for output in self._outputs[file.path])
            return None if is_written else "the step that writes it did not succeed"
        if self._request.policy in ("frames", "small") and file.path in self._request.frames:
            return self._frame_skip_reason(file)
        if self._request.policy in _NOT_SELECTED:
            return _NOT_SELECTED[self._request.policy]
        if file.bytes > SMALL_ARTIFACT_BYTES and self._request.policy == "small":
            return f"larger than {SMALL_ARTIFACT_BYTES:,} bytes; download it with --artifacts all"
        if self._counts["failed"] >= _MAX_FAILED_ARTIFACTS:
            return f"{_MAX_FAILED_ARTIFACTS} downloads failed before"
        return None

    def _frame_skip_reason(self, file: RemoteFile) -> str | None:
        """Return why a file of a kept frame is not downloaded; count its bytes if it is."""
        limit = self._request.max_frames_bytes
        if file.bytes > SMALL_ARTIFACT_BYTES and self._frames_bytes + file.bytes > limit:
            self.frames_left[file.path] = file.bytes
            if self._request.policy == "frames":
                return f"the run was interrupted, and the frames are larger than {limit:,} bytes"
            return f"the frames that failed steps need are larger than {limit:,} bytes; raise --capture-limit"
        self._frames_bytes += file.bytes
        return None

    def _fetch(self, file: RemoteFile) -> None:
        try:
            self._check_size(file)
            root, target = self._target(file)
            with opened_folder(root) as folder, replace_beneath(folder, target) as descriptor:
                self._transport.fetch(file, descriptor)
        except (ProtocolError, OSError) as error:
            self._lose(file, error)
        else:
            self.received += file.bytes
            self._emit("artifact_fetched", _fields(file))

    def _target(self, file: RemoteFile) -> tuple[Path, str]:
        """Return the folder and the path below it that a file is written to."""
        if file.is_output:
            return self._request.base_dir, self._outputs[file.path][0].target
        return self._request.run_dir, file.path

    def _check_size(self, file: RemoteFile) -> None:
        folder = self._request.base_dir if file.is_output else self._request.run_dir
        free = int(shutil.disk_usage(folder).free * _MAX_DISK_FRACTION)
        limit = min(free, MAX_DOWNLOAD_BYTES - self.received)
        if file.bytes > limit:
            reason = "free on the disk" if limit == free else "left of the limit for the files of a run"
            raise ProtocolError(
                f"it has {file.bytes:,} bytes, and {limit:,} are {reason}",
                kind="disk-full" if limit == free else "artifact-lost",
                fix="write less, or to a database",
                path=file.path,
                bytes=file.bytes,
                limit_bytes=limit,
            )

    def _lose(self, file: RemoteFile, error: ProtocolError | OSError) -> None:
        self._emit("artifact_lost", {**_fields(file), "error": str(error)})
        if file.is_output:
            message = f"{file.path!r} was not downloaded from the worker: {error}"
            self.failure = self.failure or _lost(message, error, path=file.path, bytes=file.bytes)
        else:
            self._counts["failed"] += 1


def _fields(file: RemoteFile) -> dict[str, Any]:
    return {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "output": file.is_output}


def _lost(message: str, error: ProtocolError | OSError, **facts: Any) -> ProtocolError:
    if isinstance(error, OSError):
        kind, own = kind_of(error, "artifact-lost"), os_error_facts(error)
    else:
        kind, own = error.kind, error.facts
    failure = ProtocolError(message, kind=kind, fix=None, **{**own, **facts})  # its text has the remedy
    failure.__cause__ = error
    return failure
