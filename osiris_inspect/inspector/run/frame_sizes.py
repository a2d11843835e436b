"""Sizes of the frames of a run in memory and on disk, and where they were kept."""

from collections.abc import Iterable
from typing import NamedTuple

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.event import Event, as_int
from osiris_inspect.model.run_card import StepCard

_ON_DISK = ("parquet", "pickle")


class FrameBytes(NamedTuple):
    """The sizes of one frame in bytes; None if unknown."""

    memory: int | None = None
    spill: int | None = None


class FrameTotal(NamedTuple):
    """The frames in one location.

    Attributes:
        bytes: the sum of the known sizes.
        unknown_size: the number of frames whose size is unknown.
    """

    frames: int
    bytes: int
    unknown_size: int


class FrameTotals(NamedTuple):
    """The frames of a run. A frame in both locations counts in both.

    Attributes:
        unknown_location: frames that were returned, but kept in an unknown location.
        lost: frames that were returned, but not found by a step that failed; they count only here.
    """

    memory: FrameTotal
    spill: FrameTotal
    unknown_location: int
    lost: int


def frame_sizes(run: Run) -> dict[str, FrameBytes]:
    """Return the size of each step's frame, from the events, else the run card, else the files."""
    stored = {event.step: event for event in run.key_events if event.name == "output_stored"}
    written = {event.step: event for event in run.key_events if event.name == "spill_write"}
    cards = {card.step_id: card for card in run.card.steps} if run.card is not None else {}
    return {
        step.id: _size(step, stored.get(step.id), written.get(step.id), cards.get(step.id))
        for step in run.steps
    }


def frame_totals(run: Run, lineage: Lineage) -> FrameTotals:
    """Return the number and the sizes of the frames in each location."""
    sizes, not_found = frame_sizes(run), _not_found_by_consumers(lineage)
    frames = [step for step in run.steps if step.status in ("succeeded", "reused") and not step.is_writer]
    available = [step for step in frames if step.id not in not_found]
    return FrameTotals(
        memory=_total(
            sizes[step.id].memory for step in available if step.storage == "memory" or sizes[step.id].memory
        ),
        spill=_total(
            sizes[step.id].spill for step in available if step.storage == "spill" or sizes[step.id].spill
        ),
        unknown_location=sum(step.storage == "unknown" for step in available),
        lost=len(frames) - len(available),
    )


def _not_found_by_consumers(lineage: Lineage) -> set[str]:
    """Return the steps whose frame was not found by a step that failed; their own events are wrong."""
    failed = {step.id for step in lineage.steps if step.status == "failed"}
    return {
        edge.producer for edge in lineage.edges if edge.location == "unresolved" and edge.consumer in failed
    }


def _size(step: StepState, stored: Event | None, written: Event | None, card: StepCard | None) -> FrameBytes:
    if stored is not None:
        memory, spill = (as_int(stored.fields.get(key)) for key in ("memory_bytes", "spill_bytes"))
        if written is None:
            return FrameBytes(memory, spill)
        # spilled later: to free memory, or because a consumer failed; then it is also in memory
        return FrameBytes(
            memory if written.fields.get("in_memory") else 0, as_int(written.fields.get("bytes")) or spill
        )
    files = [artifact.bytes for artifact in step.artifacts if artifact.kind in _ON_DISK]
    on_disk = card.spill_bytes if card is not None and card.spill_bytes else next(iter(files), None)
    return FrameBytes(card.memory_bytes if card is not None else None, on_disk)


def _total(sizes: Iterable[int | None]) -> FrameTotal:
    all_sizes = list(sizes)
    known = [size for size in all_sizes if size is not None]
    return FrameTotal(len(all_sizes), sum(known), len(all_sizes) - len(known))
