"""What the frame store is told and what it answers, as values."""

from collections.abc import Mapping
from dataclasses import dataclass

from osiris_inspect.model.run_types import FrameLocation


@dataclass(frozen=True, slots=True)
class SpillPolicy:
    """When frames leave memory. ``threshold`` is exceeded by more rows, not by as many."""

    force_spill: bool = False
    threshold: int = 100_000
    budget_bytes: int | None = None
    release_consumed: bool = False


@dataclass(frozen=True, slots=True)
class StoreSize:
    """Bytes of the frames in memory and of their files on disk."""

    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """What became of a driver's result.

    Attributes:
        rows: of its frame; None if there is none, as with all that follows.
        columns, dtypes: names and types as text, in the order of the frame.
        storage: where the frame lies; ``reason`` says why there.
        parquet, schema: paths below the run directory.
        keys: what the driver returned: key -> name of the Python type.
    """

    rows: int | None
    columns: tuple[str, ...]
    dtypes: tuple[str, ...]
    storage: FrameLocation
    reason: str
    memory_bytes: int
    spill_bytes: int
    parquet: str | None
    schema: str | None
    fingerprint: str | None
    schema_hash: str | None
    keys: Mapping[str, str]

    @classmethod
    def no_frame(cls, reason: str, keys: Mapping[str, str]) -> "StoredFrame":
        """A result in which there is no frame."""
        return cls(None, (), (), "none", reason, 0, 0, None, None, None, None, keys)
