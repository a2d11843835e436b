"""Run card of a run (``run_card.json``): one summary per step, native or of the original."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from osiris_inspect.model.event import as_int, finite_number, step_name

T = TypeVar("T")
StepStatus = Literal["succeeded", "reused", "failed", "interrupted", "skipped", "running", "not_started"]
"""``interrupted``: a signal ended the run while the step was running; ``reused``: its result is of an earlier run."""


class StepCard(NamedTuple):
    """Summary of one step; a field is None if the card does not have it. The fields are in the order of the file.

    Native cards and the original documents have ``has_df_in_memory``, ``spill_used`` and ``spill_paths``; the original
    program never writes them.
    """

    step_id: str
    driver: str | None = None
    status: StepStatus | None = None
    has_df_in_memory: bool | None = None
    spill_used: bool | None = None
    spill_paths: Mapping[str, str] | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    rows_rejected: int | None = None
    duration_ms: float | None = None
    memory_bytes: int | None = None
    spill_bytes: int | None = None
    inputs: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None
    skipped_because: str | None = None
    checks: Mapping[str, int] | None = None
    """Number of checks ``passed`` and ``failed``; a card has the key only for a step with results of checks."""
    attempts: int | None = None
    """Number of times the step ran; a card has the key only for a step that was retried."""
    reused_from: str | None = None
    """The run that the result was taken from; a card has the key only for a reused step."""
    memory_limit_bytes: int | None = None
    """The limit of the memory of the step; a card has the key only for a step with one."""


@dataclass(frozen=True)
class RunCard:
    """Run card: its steps in order, and its other keys in ``extra``."""

    steps: tuple[StepCard, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def for_step(self, step: str) -> StepCard | None:
        """Return the card of a step, None if there is none."""
        return self._by_step.get(step)

    @cached_property
    def _by_step(self) -> Mapping[str | None, StepCard]:
        return {
            card.step_id: card for card in reversed(self.steps)
        }  # of two of one step the first is returned


def parse(document: Any) -> RunCard:
    """Return the run card in a parsed JSON document of any version; a value of the wrong type is ignored."""
    document = document if isinstance(document, Mapping) else {}
    extra = {key: value for key, value in document.items() if key != "steps"}
    return RunCard(tuple(map(_step, _mappings(document.get("steps")))), extra)


def to_dict(card: RunCard) -> dict[str, Any]:
    """Return the content of ``run_card.json``."""
    return {**card.extra, "steps": [_document(step) for step in card.steps]}


def _document(step: StepCard) -> dict[str, Any]:
    spill_paths = dict(step.spill_paths) if step.spill_paths else None
    document = {**step._asdict(), "spill_paths": spill_paths, "inputs": [dict(item) for item in step.inputs]}
    for key in ("checks", "attempts", "reused_from", "memory_limit_bytes"):
        if document[key] is None:
            del document[key]
    return document


def _step(item: Mapping[str, Any]) -> StepCard:
    status = item.get("status")
    return StepCard(
        step_id=step_name(item.get("step_id")) or "",
        driver=_typed(item.get("driver"), str),
        status=status if status in get_args(StepStatus) else None,
        rows_in=as_int(item.get("rows_in")),
        rows_out=as_int(item.get("rows_out")),
        rows_rejected=as_int(item.get("rows_rejected")),
        duration_ms=finite_number(item.get("duration_ms")),
        has_df_in_memory=_typed(item.get("has_df_in_memory"), bool),
        spill_used=_typed(item.get("spill_used"), bool),
        spill_paths=_typed(item.get("spill_paths"), dict),
        memory_bytes=as_int(item.get("memory_bytes")),
        spill_bytes=as_int(item.get("spill_bytes")),
        inputs=_mappings(item.get("inputs")),
        error=_typed(item.get("error"), str),
        skipped_because=step_name(item.get("skipped_because")),
        checks=_typed(item.get("checks"), dict),
        attempts=as_int(item.get("attempts")),
        reused_from=_typed(item.get("reused_from"), str),
        memory_limit_bytes=as_int(item.get("memory_limit_bytes")),
    )


def _typed(value: Any, kind: type[T]) -> T | None:
    return value if isinstance(value, kind) else None


def _mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else ()
