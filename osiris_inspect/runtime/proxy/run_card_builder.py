"""What happened, as a run card. From events alone, so that a lost worker still leaves one."""

from collections.abc import Iterable
from typing import Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import Manifest, Step
from osiris_inspect.model.run_card import RunCard, StepCard

CARD_EVENTS: Final = frozenset(
    {
        "step_start",
        "inputs_resolved",
        "output_stored",
        "spill_write",
        "frame_released",
        "step_complete",
        "step_failed",
        "step_skipped",
    }
)
"""The events a card is made from; a host need keep no others."""


def build_run_card(manifest: Manifest, events: Iterable[Event]) -> RunCard:
    """The card of a run: one entry a step of the manifest, in its order."""
    by_step: dict[str, list[Event]] = {step.id: [] for step in manifest.steps}
    for event in events:
        if event.step in by_step:
            by_step[event.step].append(event)
    return RunCard(tuple(_step_card(step, by_step[step.id]) for step in manifest.steps))


def _step_card(step: Step, events: list[Event]) -> StepCard:
    facts: dict[str, Any] = {"status": "not_started"}
    inputs: list[dict[str, Any]] = []
    for event in events:
        match event.name:
            case "step_start":
                facts["status"] = "running"
            case "inputs_resolved":
                name, from_step = event.fields.get("name"), event.fields.get("from_step")
                inputs.append(
                    {"name": name, "from_step": from_step, "from": event.location, "rows": event.row_count}
                )
            case "output_stored":
                facts |= _from_output_stored(event)
            case "spill_write":
                facts |= _from_spill_write(step, event)
            case "frame_released":
                facts["has_df_in_memory"] = False
            case "step_complete" | "step_failed":
                facts |= _from_step_end(event)
            case "step_skipped":
                facts |= {"status": "skipped", "skipped_because": event.fields.get("because")}
    rows_in = [entry["rows"] for entry in inputs]
    return StepCard(
        step_id=step.id,
        driver=step.driver,
        inputs=tuple(inputs),
        rows_in=sum(rows_in) if rows_in and None not in rows_in else None,
        **facts,
    )


def _from_output_stored(event: Event) -> dict[str, Any]:
    fields = event.fields
    facts: dict[str, Any] = {
        "has_df_in_memory": fields.get("storage") == "memory",
        "spill_used": fields.get("storage") == "spill",
        "memory_bytes": fields.get("memory_bytes"),
        "spill_bytes": fields.get("spill_bytes"),
        "rows_out": fields.get("rows"),
    }
    if fields.get("storage") == "spill":
        facts["spill_paths"] = {"parquet": fields.get("parquet"), "schema": fields.get("schema")}
    return facts


def _from_spill_write(step: Step, event: Event) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "spill_used": True,
        "spill_bytes": event.fields.get("bytes"),
        "spill_paths": {"parquet": layout.spill_path(step.id), "schema": layout.schema_path(step.id)},
    }
    if not event.fields.get("in_memory"):
        facts["has_df_in_memory"] = False
    return facts


def _from_step_end(event: Event) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "status": "succeeded" if event.name == "step_complete" else "failed",
        "duration_ms": event.fields.get("duration_ms"),
    }
    if event.name == "step_failed":
        facts["error"] = event.error
    elif event.fields.get("rows_processed") is not None:
        facts["rows_out"] = event.fields["rows_processed"]
    return facts
