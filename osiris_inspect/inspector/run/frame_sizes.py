"""How large the frames of a run were, in memory and on disk, and how many of them were kept where."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.event import Event, finite_number
from osiris_inspect.model.run_card import StepCard

_ON_DISK = ("parquet", "pickle")


class FrameBytes(NamedTuple):
    """The bytes of one frame; None where nothing tells them."""

    memory: int | None = None
    spill: int | None = None


class FrameTotal(NamedTuple):
    """Frames that were kept in one place.

    Attributes:
        bytes: of those whose size is told.
        untold: how many of them have a size that nothing tells.
    """

    frames: int
    bytes: int
    unknown_size: int


class FrameTotals(NamedTuple):
    """All frames of a run. One that was kept in both places counts in both.

    Attributes:
        somewhere: frames that were given, and nothing tells where they were kept.
        lost: frames that were given, and a step that failed found them nowhere; they count in no other place.
    """

    memory: FrameTotal
    spill: FrameTotal
    unknown_location: int
    lost: int


def frame_sizes(run: Run) -> dict[str, FrameBytes]:
    """The size of each step's frame, as the run's own events tell it, else its card, else its files."""
    stored = {event.step: event for event in run.key_events if event.name == "output_stored"}
    written = {event.step: event for event in run.key_events if event.name == "spill_write"}
    cards = {card.step_id: card for card in run.card.steps} if run.card is not None else {}
    return {
        step.id: _size(step, stored.get(step.id), written.get(step.id), cards.get(step.id))
        for step in run.steps
    }


def frame_totals(run: Run, lineage: Lineage) -> FrameTotals:
    """How many frames were kept where, and what they took together."""
    known, missed = frame_sizes(run), _not_found_by_consumers(lineage)
    frames = [step for step in run.steps if step.status == "succeeded" and not step.is_writer]
    given = [step for step in frames if step.id not in missed]
    return FrameTotals(
        memory=_kept(
            known[step.id].memory for step in given if step.storage == "memory" or known[step.id].memory
        ),
        spill=_kept(
            known[step.id].spill for step in given if step.storage == "spill" or known[step.id].spill
        ),
        unknown_location=sum(step.storage == "unknown" for step in given),
        lost=len(frames) - len(given),
    )


def _not_found_by_consumers(lineage: Lineage) -> set[str]:
    """The steps whose frame a step that failed found nowhere. What the producer said of it is no longer to be believed."""
    failed = {step.id for step in lineage.steps if step.status == "failed"}
    return {
        edge.producer for edge in lineage.edges if edge.location == "unresolved" and edge.consumer in failed
    }


def _size(step: StepState, stored: Event | None, written: Event | None, card: StepCard | None) -> FrameBytes:
    if stored is not None:
        memory, spill = (_bytes(stored.fields.get(key)) for key in ("memory_bytes", "spill_bytes"))
        if written is None:
            return FrameBytes(memory, spill)
        # written later, to make room or because a step that needed it failed; in the second case it stayed in memory too
        return FrameBytes(
            memory if written.fields.get("in_memory") else 0, _bytes(written.fields.get("bytes")) or spill
        )
    files = [artifact.bytes for artifact in step.artifacts if artifact.kind in _ON_DISK]
    on_disk = card.spill_bytes if card is not None and card.spill_bytes else next(iter(files), None)
    return FrameBytes(card.memory_bytes if card is not None else None, on_disk)


def _kept(sizes: Iterable[int | None]) -> FrameTotal:
    each = list(sizes)
    told = [size for size in each if size is not None]
    return FrameTotal(len(each), sum(told), len(each) - len(told))


def _bytes(value: Any) -> int | None:
    size = finite_number(value)
    return int(size) if size is not None else None
