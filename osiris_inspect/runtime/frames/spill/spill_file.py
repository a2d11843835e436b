"""Spill of a frame: ``output.parquet`` and ``schema.json``, written and read back exactly.

``schema.json`` is the commit mark: written last, and removed first when a step is spilled again, so that a
spill is complete or absent even after ``kill -9``. Each file gets a temporary name, is synced and renamed.
The directory is synced later: before, a power cut may lose the spill.

``schema.json`` holds the hash of each file, so a changed file is detected before a value of it is used. Page
checksums are verified while a frame is read.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillCorrupt, SpillFailed
from osiris_inspect.runtime.files.atomic_group import TEMPORARY, AtomicFileGroup, stat_signature
from osiris_inspect.runtime.files.hashed_file import Filesystem, hash_file
from osiris_inspect.runtime.files.memory_limit import is_memory_error, memory_error
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan, columns_of
from osiris_inspect.runtime.frames.counts.frame_counts import FrameCounts
from osiris_inspect.runtime.frames.spill import schema_json
from osiris_inspect.runtime.frames.spill.fingerprint import Fingerprint, FrameFingerprint
from osiris_inspect.runtime.frames.spill.parquet_file import ParquetTableReader, ParquetTableWriter

_DF: Final = layout.FRAME_KEY
_MAX_MAPPED_BYTES: Final = 256 << 20
"""Largest file that is mapped while its batches are read: mapped pages stay in memory, which saves 10 % of the time."""
FREE_SPACE_FACTOR: Final = 1.2
"""Required free disk space, as a multiple of the frame's size."""


class _Names(NamedTuple):
    """File names of a spill; ``hidden`` holds the columns that only pandas needs, which most frames lack."""

    main: str
    mark: str
    hidden: str


def _names(key: str) -> _Names:
    return _Names(*(path.rpartition("/")[2] for path in layout.spill_files("step", key)))


@dataclass(frozen=True, slots=True)
class SpillFile:
    """Spilled frame: its location and the content of its ``schema.json``.

    ``stat_cache`` holds the file status at which each file's hash was last correct. ``schema_bytes`` is the size of
    a ``schema.json`` that was just written, and ``counts`` are those of a frame that was just written.
    """

    root: Path
    step: str
    document: Mapping[str, Any]
    stat_cache: dict[str, tuple[int, ...]] = field(default_factory=dict)
    schema_bytes: int = 0
    counts: FrameCounts | None = None
    key: str = _DF

    @property
    def path(self) -> str:
        """The Parquet file, relative to the run directory."""
        return layout.spill_path(self.step, self.key)

    @property
    def parquet(self) -> Path:
        """The Parquet file for SQL."""
        return self.root / self.path

    @property
    def rows(self) -> int:
        """Rows of the frame."""
        return int(self.document["row_count"])

    @property
    def parquet_bytes(self) -> int:
        """Bytes of the Parquet file."""
        return int(self.document["files"][_names(self.key).main]["bytes"])

    @property
    def bytes(self) -> int:
        """Bytes of all files except ``schema.json``."""
        return sum(int(file["bytes"]) for file in self.document["files"].values())


def write_spill(
    root: Path, step: str, plan: FramePlan, size: int, disk: Filesystem, *, key: str = _DF
) -> SpillFile:
    """Spill a frame of ``size`` bytes in memory, which the step returned under ``key``.

    Raises:
        SpillFailed: the disk refused. No partial file is left; an earlier spill of the step is removed.
    """
    folder, names = f"{root}/{layout.artifacts_dir(step)}", _names(key)
    if key != _DF and any(Path(folder, name).exists() for name in names):
        raise SpillFailed(
            f"the frame {key!r} of step {step!r} could not be spilled: the driver wrote a file {names.main!r} or {names.mark!r}",
            fix="let the driver write its files under other names",
            step=step,
        )
    try:
        _prepare(folder, size, disk, names)
        counts = FrameCounts(columns_of(plan.fields), plan.rows)
        document, stat_cache, schema_bytes = _write(folder, plan, disk, counts, names)
    except MemoryError as error:  # also an Arrow exception
        _remove_leftovers(folder, names)
        failure = memory_error(f"spilling step {step!r}", error, step=step, bytes=size)
        raise SpillFailed(failure.message, kind=failure.kind, fix=failure.fix, **failure.facts) from error
    except (OSError, pa.ArrowException) as error:
        _remove_leftovers(folder, names)
        raise SpillFailed(
            f"step {step!r} could not be spilled: {error}",
            fix="free disk space, or write the run to a disk that accepts the file",
            step=step,
            bytes=size,
            errno=errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None,
        ) from error
    except BaseException:
        _remove_leftovers(folder, names)
        raise
    return SpillFile(root, step, document, stat_cache, schema_bytes, counts, key)


def find_spill(root: Path, step: str, key: str = _DF) -> SpillFile | None:
    """Return the spill of the frame that a step returned under ``key``; None if there is none.

    Raises:
        SpillCorrupt: its ``schema.json`` cannot be used.
    """
    schema, names = layout.schema_path(step, key), _names(key)
    path = root / schema
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _corrupt(schema, f"cannot be read: {error}") from error
    document = schema_json.parse(text, schema)
    if not document["files"].keys() <= {names.main, names.hidden}:
        raise _corrupt(schema, "names files that do not belong to a spill")
    return SpillFile(root, step, document, key=key)


def verify(spilled: SpillFile) -> None:
    """Check that the files are the ones that were written.

    A file whose status has not changed since its last verification is not read again.

    Raises:
        SpillCorrupt: a file is missing, truncated, changed or from another frame.
    """
    for name, expected in spilled.document["files"].items():
        path = spilled.parquet.parent / name
        status = stat_file(path)
        if spilled.stat_cache.get(name) == status:
            continue
        if status[0] != expected["bytes"]:
            raise _corrupt(
                path,
                f"holds {status[0]:,} bytes, {expected['bytes']:,} were written",
                bytes=status[0],
                expected_bytes=expected["bytes"],
            )
        if hash_file(path) != expected["xxh3_128"]:
            raise _corrupt(path, "is not the file that was written: its hash differs from schema.json")
        spilled.stat_cache[name] = status


def read_frame(spilled: SpillFile) -> pd.DataFrame:
    """Return the frame, equal to the spilled one except for the differences listed in ``fidelity``.

    Raises:
        SpillCorrupt: a file is missing, truncated, changed or foreign.
    """
    verify(spilled)
    with (
        _as_spill_corrupt(spilled),
        ParquetTableReader(spilled.parquet) as main,
        ParquetTableReader(spilled.parquet.parent / _names(spilled.key).hidden) as hidden,
    ):
        return frames.restore_pandas(spilled.document["restore"], spilled.rows, main.column, hidden.column)


def read_original(spilled: SpillFile) -> pd.DataFrame | pa.Table:
    """Return the frame as the driver returned it: a pandas frame, or an Arrow table.

    Raises:
        SpillCorrupt: as for ``read_frame``.
    """
    if spilled.document["restore"]["facts"]["kind"] != "arrow":
        return read_frame(spilled)
    verify(spilled)
    with (
        _as_spill_corrupt(spilled),
        ParquetTableReader(spilled.parquet) as main,
        ParquetTableReader(spilled.parquet.parent / _names(spilled.key).hidden) as hidden,
    ):
        return frames.restore_arrow(spilled.document["restore"], spilled.rows, main.column, hidden.column)


def read_arrow(spilled: SpillFile) -> pa.Table:
    """Return the frame in normal plan.

    Raises:
        SpillCorrupt: as for ``read_frame``.
    """
    verify(spilled)
    with _as_spill_corrupt(spilled):
        return pq.read_table(
            spilled.parquet, memory_map=True, page_checksum_verification=True, partitioning=None
        )


def read_batches(spilled: SpillFile, rows: int) -> pa.RecordBatchReader:
    """Return a reader of the frame in normal form that holds at most ``rows`` rows in memory.

    Raises:
        SpillCorrupt: as for ``read_frame``.
    """
    verify(spilled)
    with _as_spill_corrupt(spilled):
        is_mapped = spilled.parquet_bytes <= _MAX_MAPPED_BYTES
        file = pq.ParquetFile(spilled.parquet, memory_map=is_mapped, page_checksum_verification=True)
        if file.num_row_groups:  # groups of wide rows are small
            rows = min(rows, file.metadata.row_group(0).num_rows)
    return pa.RecordBatchReader.from_batches(file.schema_arrow, _batches(spilled, file, rows))


def _batches(spilled: SpillFile, file: pq.ParquetFile, rows: int) -> Iterator[pa.RecordBatch]:
    with file, _as_spill_corrupt(spilled):
        yield from file.iter_batches(batch_size=rows)


_DAMAGE_ERRORS = (OSError, pa.ArrowException, LookupError, TypeError, ValueError, AttributeError)
"""Errors raised while reading an inconsistent file."""


class _as_spill_corrupt:  # noqa: N801 - reads as a word at the `with`
    """Context that converts errors of a damaged file to SpillCorrupt."""

    def __init__(self, spilled: SpillFile) -> None:
        self._path = spilled.parquet

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        # memory errors are Arrow's or of the system, and the file may be complete
        if error is not None and is_memory_error(error):
            raise memory_error(f"reading {self._path}", error, path=str(self._path)) from error
        if isinstance(error, _DAMAGE_ERRORS):
            raise _corrupt(self._path, f"cannot be read: {error}") from error


def _corrupt(path: Path | str, reason: str, **facts: Any) -> SpillCorrupt:
    return SpillCorrupt(f"{path} {reason}", fix="run the step that wrote it again", path=str(path), **facts)


def stat_file(path: Path) -> tuple[int, ...]:
    """Return the status of a file; it changes with every write."""
    try:
        return stat_signature(path.stat())
    except OSError as error:
        raise _corrupt(path, "is missing, although schema.json lists it") from error


def _prepare(folder: str, size: int, disk: Filesystem, names: _Names) -> None:
    if not os.path.isdir(folder):  # noqa: PTH112 - text, as in `disk`
        os.makedirs(folder, 0o700, exist_ok=True)  # noqa: PTH103 - text, as in `disk`
    _remove(folder, disk, names)
    if not has_room(folder, size, disk):
        raise OSError(
            f"{disk.free_bytes(folder):,} bytes are free on the disk, "
            f"{int(size * FREE_SPACE_FACTOR):,} are needed"
        )


def remove_spill(folder: str, disk: Filesystem, key: str = _DF) -> None:
    """Remove a spill in a step's directory, its commit mark first.

    Raises:
        OSError: the disk refused.
    """
    _remove(folder, disk, _names(key))


def _remove(folder: str, disk: Filesystem, names: _Names) -> None:
    mark = f"{folder}/{names.mark}"
    try:
        os.stat(mark)  # noqa: PTH116 - text, as in `disk`
    except (FileNotFoundError, NotADirectoryError):
        return
    os.unlink(mark)  # noqa: PTH108 - text, as in `disk`
    disk.sync_folder(folder)
    _remove_leftovers(folder, names)


def has_room(folder: str, size: int, disk: Filesystem) -> bool:
    """Return True if the disk has room for a frame of ``size`` bytes, with a reserve."""
    return disk.free_bytes(folder) >= size * FREE_SPACE_FACTOR


def _remove_leftovers(folder: str, names: _Names) -> None:
    """Remove the files of a failed spill; one that stays has no commit mark and is never read."""
    for name in (*names, *(name + TEMPORARY for name in names)):
        try:
            Path(folder, name).unlink(missing_ok=True)
        except OSError:  # the error of the failed write is reported instead
            return


def _write(
    folder: str, plan: FramePlan, disk: Filesystem, counts: FrameCounts, names: _Names
) -> tuple[dict[str, Any], dict[str, tuple[int, ...]], int]:
    """Write a spill; return its document, the status of its files and the size of ``schema.json``."""
    fingerprint = Fingerprint()
    with AtomicFileGroup(disk, folder) as files:
        written = {names.main: files.create(names.main)}
        if plan.index_columns:
            written[names.hidden] = files.create(names.hidden)
        with ParquetTableWriter(written[names.main], plan.schema.with_metadata(plan.metadata())) as main:
            if plan.index_columns:
                with ParquetTableWriter(written[names.hidden], plan.hidden_schema) as other:
                    _write_slices(plan, fingerprint, counts, main, other)
            else:
                _write_slices(plan, fingerprint, counts, main, None)
        digests = _finish(fingerprint, plan, main.rows)
        document = schema_json.build_schema_document(plan, main.rows, digests, written)
        mark = files.create(names.mark)
        mark.write(schema_json.serialize(document).encode())
        files.commit()
        return document, files.stat_signatures(written), mark.size


def _write_slices(
    plan: FramePlan,
    fingerprint: Fingerprint,
    counts: FrameCounts,
    main: ParquetTableWriter,
    other: ParquetTableWriter | None,
) -> None:
    for batch, hidden in plan.slices():
        main.add(batch)
        fingerprint.update([*batch.columns, *(hidden.columns if hidden is not None else ())])
        counts.update(batch.columns)
        if other is not None and hidden is not None:
            other.add(hidden)
        del batch, hidden  # or two slices are in memory while the next one is made


def _finish(fingerprint: Fingerprint, plan: FramePlan, rows: int) -> FrameFingerprint:
    stored = (*plan.planned_columns, *plan.index_columns)
    positions = {planned.name: position for position, planned in enumerate(stored)}
    columns = {
        field["physical"]: fingerprint.column_hexdigest(
            (positions[name] for name in (field["physical"], *field["beside"].values())),
            schema_json.column_identity(field, rows),
        )
        for field in plan.fields
    }
    return FrameFingerprint(fingerprint.hexdigest(schema_json.fingerprint_identity(plan, rows)), columns)


def frame_fingerprint(plan: FramePlan, counts: FrameCounts | None = None) -> FrameFingerprint:
    """Return the fingerprint of a frame in memory, equal to that of its spill; count its columns on the way."""
    fingerprint = Fingerprint()
    for arrays, hidden in plan.arrays():
        fingerprint.update([*arrays, *hidden])
        if counts is not None:
            counts.update(arrays)
    return _finish(fingerprint, plan, plan.rows or 0)
