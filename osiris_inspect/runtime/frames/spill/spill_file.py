"""A frame to ``output.parquet`` and ``schema.json``, and back, exactly.

``schema.json`` is the commit mark: it is written last, and taken away first when a step is spilled again. Whatever happens
in between (also ``kill -9``), there is a complete spill or none. Every file goes to a temporary name, is synced and renamed;
the folder is synced later, by ``sync_names``: until then a power cut may take the names of a spill away, and there is none.

``schema.json`` holds the hash of each file beside it, so a file that was cut, changed or exchanged is known before a value
of it is handed out. Pages carry checksums too: they are tested while a frame is read.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillCorrupt, SpillFailed
from osiris_inspect.runtime.files.atomic_group import TEMPORARY, AtomicFileGroup, stat_signature
from osiris_inspect.runtime.files.hashed_file import Filesystem, hash_file
from osiris_inspect.runtime.frames.conversion import frame as frames
from osiris_inspect.runtime.frames.conversion.frame_plan import FramePlan
from osiris_inspect.runtime.frames.spill import schema_json as schema_file
from osiris_inspect.runtime.frames.spill.fingerprint import Fingerprint
from osiris_inspect.runtime.frames.spill.parquet_file import ParquetTableReader, ParquetTableWriter

INDEX_FILE: Final = "index.parquet"
"""What only pandas needs, beside ``output.parquet``; most frames have none."""
_MAIN: Final = layout.spill_path("step").rpartition("/")[2]
_MARK: Final = layout.schema_path("step").rpartition("/")[2]
FREE_SPACE_FACTOR: Final = 1.2
"""Free disk that is asked for, in sizes of the frame."""


@dataclass(frozen=True, slots=True)
class SpillFile:
    """A frame on the disk: where, how large, and what ``schema.json`` says of it.

    ``seen`` holds what the system said of each file when its hash was last right; nothing where it was not yet tested.
    ``schema_bytes`` is the size of ``schema.json`` where it was written just now.
    """

    root: Path
    step: str
    document: Mapping[str, Any]
    stat_cache: dict[str, tuple[int, ...]] = field(default_factory=dict)
    schema_bytes: int = 0

    @property
    def parquet(self) -> Path:
        """The file SQL can read."""
        return self.root / layout.spill_path(self.step)

    @property
    def rows(self) -> int:
        """Rows of the frame."""
        return int(self.document["row_count"])

    @property
    def parquet_bytes(self) -> int:
        """Bytes of the file SQL can read."""
        return int(self.document["files"][_MAIN]["bytes"])

    @property
    def bytes(self) -> int:
        """Bytes of all its files but ``schema.json``."""
        return sum(int(file["bytes"]) for file in self.document["files"].values())


def write_spill(root: Path, step: str, form: FramePlan, size: int, disk: Filesystem) -> SpillFile:
    """Spills a frame of ``size`` bytes in memory.

    Raises:
        SpillFailed: the disk refused. Nothing half-written is left; an earlier spill of the step is gone.
    """
    folder = _folder(root, step)
    try:
        _prepare(folder, size, disk)
        document, seen, schema_bytes = _write(folder, form, disk)
    except (OSError, pa.ArrowException) as error:
        _remove_leftovers(folder)
        raise SpillFailed(f"step {step!r} could not be spilled: {error}") from error
    except BaseException:
        _remove_leftovers(folder)
        raise
    return SpillFile(root, step, document, seen, schema_bytes)


def find_spill(root: Path, step: str) -> SpillFile | None:
    """The spill of a step; None if it has none.

    Raises:
        SpillCorrupt: there is one, and its ``schema.json`` cannot be used.
    """
    path = root / layout.schema_path(step)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SpillCorrupt(f"{layout.schema_path(step)} cannot be read: {error}") from error
    document = schema_file.parse(text, layout.schema_path(step))
    if not document["files"].keys() <= {_MAIN, INDEX_FILE}:
        raise SpillCorrupt(f"{layout.schema_path(step)} names files that are no part of a spill")
    return SpillFile(root, step, document)


def verify(spilled: SpillFile) -> None:
    """Makes sure that the files are the ones that were written.

    A file that the system says is untouched since its hash was last right is not read again.

    Raises:
        SpillCorrupt: one is missing, cut, changed or of another frame.
    """
    for name, facts in spilled.document["files"].items():
        path = spilled.parquet.parent / name
        seen = stat_file(path)
        if spilled.stat_cache.get(name) == seen:
            continue
        if seen[0] != facts["bytes"]:
            raise SpillCorrupt(f"{path} holds {seen[0]:,} bytes, {facts['bytes']:,} were written")
        if hash_file(path) != facts["xxh3_128"]:
            raise SpillCorrupt(f"{path} is not the file that was written: its hash differs from schema.json")
        spilled.stat_cache[name] = seen


def read_frame(spilled: SpillFile) -> pd.DataFrame:
    """The frame, equal to the one that was spilled but for what ``fidelity`` names.

    Raises:
        SpillCorrupt: a file is missing, cut, changed or not ours.
    """
    verify(spilled)
    with _as_spill_corrupt(spilled):
        main, beside = (
            ParquetTableReader(spilled.parquet),
            ParquetTableReader(spilled.parquet.parent / INDEX_FILE),
        )
        with main, beside:
            return frames.restore_pandas(
                spilled.document["restore"], spilled.rows, main.column, beside.column
            )


def read_arrow(spilled: SpillFile) -> pa.Table:
    """The frame in normal form.

    Raises:
        SpillCorrupt: the file is missing, cut, changed or not ours.
    """
    verify(spilled)
    with _as_spill_corrupt(spilled):
        return pq.read_table(
            spilled.parquet, memory_map=True, page_checksum_verification=True, partitioning=None
        )


def read_batches(spilled: SpillFile, rows: int) -> pa.RecordBatchReader:
    """The frame in normal form, ``rows`` at a time, never more than that in memory.

    Raises:
        SpillCorrupt: the file is missing, cut, changed or not ours.
    """
    verify(spilled)
    with _as_spill_corrupt(spilled):
        file = pq.ParquetFile(spilled.parquet, memory_map=True, page_checksum_verification=True)
    return pa.RecordBatchReader.from_batches(file.schema_arrow, _batches(spilled, file, rows))


def _batches(spilled: SpillFile, file: pq.ParquetFile, rows: int) -> Iterator[pa.RecordBatch]:
    with file, _as_spill_corrupt(spilled):
        yield from file.iter_batches(batch_size=rows)


_SIGNS_OF_DAMAGE = (OSError, pa.ArrowException, LookupError, TypeError, ValueError, AttributeError)
"""What reading raises where a file says things that do not fit together."""


class _as_spill_corrupt:  # noqa: N801 - reads as a word at the `with`
    """Turns what Arrow says of a broken file into SpillCorrupt."""

    def __init__(self, spilled: SpillFile) -> None:
        self._path = spilled.parquet

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, _SIGNS_OF_DAMAGE):
            raise SpillCorrupt(f"{self._path} cannot be read: {error}") from error


def stat_file(path: Path) -> tuple[int, ...]:
    """What the system says of a file; it changes when somebody writes to it."""
    try:
        found = path.stat()
    except OSError as error:
        raise SpillCorrupt(f"{path} is gone, but schema.json says it was written") from error
    return stat_signature(found)


def _folder(root: Path, step: str) -> str:
    return f"{root}/{layout.artifacts_dir(step)}"


def _prepare(folder: str, size: int, disk: Filesystem) -> None:
    if not os.path.isdir(folder):  # noqa: PTH112 - text, as in `disk`
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103 - text, as in `disk`
    _forget(folder, disk)
    if not has_room(folder, size, disk):
        raise OSError(
            f"{disk.free_bytes(folder):,} bytes are free on the disk, {int(size * FREE_SPACE_FACTOR):,} are wanted"
        )


def remove_spill(root: Path, step: str, disk: Filesystem) -> None:
    """Takes a spill away, its commit mark first.

    Raises:
        OSError: the disk refused.
    """
    _forget(_folder(root, step), disk)


def _forget(folder: str, disk: Filesystem) -> None:
    mark = f"{folder}/{_MARK}"
    try:
        os.stat(mark)  # noqa: PTH116 - text, as in `disk`
    except (FileNotFoundError, NotADirectoryError):
        return
    os.unlink(mark)  # noqa: PTH108 - text, as in `disk`
    disk.sync_folder(folder)
    _remove_leftovers(folder)


def has_room(folder: str, size: int, disk: Filesystem) -> bool:
    """Whether the disk has room for a frame of ``size`` bytes, with some to spare."""
    return disk.free_bytes(folder) >= size * FREE_SPACE_FACTOR


def _remove_leftovers(folder: str) -> None:
    """Takes away what a failed spill left; what cannot be removed has no commit mark and is never read."""
    names = (_MARK, _MAIN, INDEX_FILE)
    for name in (*names, *(name + TEMPORARY for name in names)):
        try:
            Path(folder, name).unlink(missing_ok=True)
        except (
            OSError
        ):  # a disk that refused to write may refuse this too; the first error is the one to tell
            return


def _write(
    folder: str, form: FramePlan, disk: Filesystem
) -> tuple[dict[str, Any], dict[str, tuple[int, ...]], int]:
    """Gives what ``schema.json`` says, what the system says of the files, and the size of ``schema.json``."""
    found = Fingerprint()
    with AtomicFileGroup(disk, folder) as files:
        written = {_MAIN: files.create(_MAIN)}
        if form.index_columns:
            written[INDEX_FILE] = files.create(INDEX_FILE)
        with ParquetTableWriter(written[_MAIN], form.schema.with_metadata(form.metadata())) as main:
            if form.index_columns:
                with ParquetTableWriter(written[INDEX_FILE], form.beside_schema) as other:
                    _write_slices(form, found, main, other)
            else:
                _write_slices(form, found, main, None)
        fingerprint = found.hexdigest(schema_file.fingerprint_identity(form, main.rows))
        document = schema_file.build_schema_document(form, main.rows, fingerprint, written)
        mark = files.create(_MARK)
        mark.write(schema_file.serialize(document).encode())
        files.commit()
        return document, files.stat_signatures(written), mark.size


def _write_slices(
    form: FramePlan, found: Fingerprint, main: ParquetTableWriter, other: ParquetTableWriter | None
) -> None:
    for batch, beside in form.slices():
        main.add(batch)
        found.update(batch.columns)
        if other is not None and beside is not None:
            other.add(beside)
            found.update(beside.columns)
        del batch, beside  # else they live until the next slice is made, and the peak is two slices


def sync_directory(root: Path, step: str, disk: Filesystem) -> None:
    """Waits until the names of a spill hold.

    Raises:
        OSError: the disk refused.
    """
    disk.sync_folder(_folder(root, step))


def frame_fingerprint(form: FramePlan) -> str:
    """The fingerprint of a frame in memory, the same as it would get on disk."""
    found = Fingerprint()
    for arrays, besides in form.arrays():
        found.update(arrays)
        found.update(besides)
    return found.hexdigest(schema_file.fingerprint_identity(form, form.rows or 0))


def plan_batches(form: FramePlan, rows: int) -> Iterator[pa.RecordBatch]:
    """The columns SQL sees, ``rows`` at a time."""
    return (batch for batch, _ in form.slices(rows))
