"""The run card: one line of account a step, ours or the original's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from osiris_inspect.model.event import finite_int, finite_number, step_name

T = TypeVar("T")
StepStatus = Literal["succeeded", "failed", "skipped", "running", "not_started"]
_STATUSES: tuple[StepStatus, ...] = ("succeeded", "failed", "skipped", "running", "not_started")


class StepCard(NamedTuple):
    """What a card says of one step; None where it says nothing.

    ``has_df_in_memory``, ``spill_used`` and ``spill_paths`` stand in our cards and in those of the original documents;
    the original program never wrote them.
    """

    step_id: str
    driver: str | None = None
    status: StepStatus | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    duration_ms: float | None = None
    has_df_in_memory: bool | None = None
    spill_used: bool | None = None
    spill_paths: Mapping[str, str] | None = None
    memory_bytes: int | None = None
    spill_bytes: int | None = None
    inputs: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None
    skipped_because: str | None = None
    artifacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunCard:
    """The steps of a run card in its order, and what else it says."""

    steps: tuple[StepCard, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def for_step(self, step: str) -> StepCard | None:
        """The card of a step."""
        return next((card for card in self.steps if card.step_id == step), None)


def parse(document: Any) -> RunCard:
    """The run card in a parsed JSON document of any version; a wrong type counts as absent."""
    document = document if isinstance(document, Mapping) else {}
    steps = document.get("steps")
    cards = [_step(item) for item in steps if isinstance(item, Mapping)] if isinstance(steps, list) else []
    return RunCard(
        steps=tuple(cards), extra={key: value for key, value in document.items() if key != "steps"}
    )


def to_dict(card: RunCard) -> dict[str, Any]:
    """What is written to ``run_card.json``."""
    return {**card.extra, "steps": [_document(step) for step in card.steps]}


def _document(step: StepCard) -> dict[str, Any]:
    return {
        "step_id": step.step_id,
        "driver": step.driver,
        "status": step.status,
        "has_df_in_memory": step.has_df_in_memory,
        "spill_used": step.spill_used,
        "spill_paths": dict(step.spill_paths) if step.spill_paths else None,
        "rows_in": step.rows_in,
        "rows_out": step.rows_out,
        "duration_ms": step.duration_ms,
        "memory_bytes": step.memory_bytes,
        "spill_bytes": step.spill_bytes,
        "inputs": [dict(item) for item in step.inputs],
        "error": step.error,
        "skipped_because": step.skipped_because,
    }


def _step(item: Mapping[str, Any]) -> StepCard:
    status = item.get("status")
    return StepCard(
        step_id=step_name(item.get("step_id")) or "",
        driver=_typed(item.get("driver"), str),
        status=status if status in _STATUSES else None,
        rows_in=finite_int(item.get("rows_in")),
        rows_out=finite_int(item.get("rows_out")),
        duration_ms=finite_number(item.get("duration_ms")),
        has_df_in_memory=_typed(item.get("has_df_in_memory"), bool),
        spill_used=_typed(item.get("spill_used"), bool),
        spill_paths=_typed(item.get("spill_paths"), dict),
        memory_bytes=finite_int(item.get("memory_bytes")),
        spill_bytes=finite_int(item.get("spill_bytes")),
        inputs=tuple(entry for entry in _list(item.get("inputs")) if isinstance(entry, Mapping)),
        error=_typed(item.get("error"), str),
        skipped_because=step_name(item.get("skipped_because")),
        artifacts=tuple(path for path in _list(item.get("artifacts")) if isinstance(path, str)),
    )


def _typed(value: Any, kind: type[T]) -> T | None:
    return value if isinstance(value, kind) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
