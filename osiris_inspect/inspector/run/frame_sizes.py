"""How large the frames of a run were, in memory and on disk, and how many of them were kept where."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.event import Event, number
from osiris_inspect.model.run_card import StepCard

_ON_DISK = ("parquet", "pickle")


class Size(NamedTuple):
    """The bytes of one frame; None where nothing tells them."""

    memory: int | None = None
    spill: int | None = None


class Kept(NamedTuple):
    """Frames that were kept in one place.

    Attributes:
        bytes: of those whose size is told.
        untold: how many of them have a size that nothing tells.
    """

    frames: int
    bytes: int
    untold: int


class Totals(NamedTuple):
    """All frames of a run. One that was kept in both places counts in both.

    Attributes:
        somewhere: frames that were given, and nothing tells where they were kept.
        lost: frames that were given, and a step that failed found them nowhere; they count in no other place.
    """

    memory: Kept
    spill: Kept
    somewhere: int
    lost: int


def sizes(run: Run) -> dict[str, Size]:
    """The size of each step's frame, as the run's own events tell it, else its card, else its files."""
    stored = {event.step: event for event in run.told if event.name == "output_stored"}
    written = {event.step: event for event in run.told if event.name == "spill_write"}
    cards = {card.step_id: card for card in run.card.steps} if run.card is not None else {}
    return {
        step.id: _size(step, stored.get(step.id), written.get(step.id), cards.get(step.id))
        for step in run.steps
    }


def totals(run: Run, lineage: Lineage) -> Totals:
    """How many frames were kept where, and what they took together."""
    known, missed = sizes(run), _missed(lineage)
    frames = [step for step in run.steps if step.status == "succeeded" and not step.is_writer]
    given = [step for step in frames if step.id not in missed]
    return Totals(
        memory=_kept(
            known[step.id].memory for step in given if step.storage == "memory" or known[step.id].memory
        ),
        spill=_kept(
            known[step.id].spill for step in given if step.storage == "spill" or known[step.id].spill
        ),
        somewhere=sum(step.storage == "unknown" for step in given),
        lost=len(frames) - len(given),
    )


def _missed(lineage: Lineage) -> set[str]:
    """The steps whose frame a step that failed found nowhere. What the producer said of it is no longer to be believed."""
    failed = {step.id for step in lineage.steps if step.status == "failed"}
    return {edge.producer for edge in lineage.edges if edge.place == "unresolved" and edge.consumer in failed}


def _size(step: StepState, stored: Event | None, written: Event | None, card: StepCard | None) -> Size:
    if stored is not None:
        memory, spill = (_bytes(stored.fields.get(key)) for key in ("memory_bytes", "spill_bytes"))
        if written is None:
            return Size(memory, spill)
        # written later, to make room or because a step that needed it failed; in the second case it stayed in memory too
        return Size(
            memory if written.fields.get("in_memory") else 0, _bytes(written.fields.get("bytes")) or spill
        )
    files = [artifact.bytes for artifact in step.artifacts if artifact.kind in _ON_DISK]
    on_disk = card.spill_bytes if card is not None and card.spill_bytes else next(iter(files), None)
    return Size(card.memory_bytes if card is not None else None, on_disk)


def _kept(sizes: Iterable[int | None]) -> Kept:
    each = list(sizes)
    told = [size for size in each if size is not None]
    return Kept(len(each), sum(told), len(each) - len(told))


def _bytes(value: Any) -> int | None:
    size = number(value)
    return int(size) if size is not None else None
