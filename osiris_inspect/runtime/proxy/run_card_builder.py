"""Builds the run card from events alone, so that it also exists after the worker is lost."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.error_info import parse_error_info
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import Manifest, Step
from osiris_inspect.model.run_card import RunCard, StepCard

CARD_EVENTS: Final = frozenset(
    {
        "step_start",
        "inputs_resolved",
        "output_stored",
        "check_result",
        "spill_write",
        "frame_released",
        "step_complete",
        "step_failed",
        "step_retry",
        "step_skipped",
        "step_reused",
    }
)
"""The events that a run card is built from."""


def build_run_card(manifest: Manifest, events: Iterable[Event]) -> RunCard:
    """Return the run card: one entry per step of the manifest, in its order."""
    by_step: dict[str, list[Event]] = {step.id: [] for step in manifest.steps}
    for event in events:
        if event.step in by_step:
            by_step[event.step].append(event)
    return RunCard(tuple(_step_card(step, by_step[step.id]) for step in manifest.steps))


def _step_card(step: Step, events: list[Event]) -> StepCard:
    values: dict[str, Any] = {"status": "not_started"}
    inputs: list[dict[str, Any]] = []
    checks: Counter[str] = Counter()
    for event in events:
        match event.name:
            case "step_retry":  # what follows is of another attempt
                values = {"status": "not_started", "attempts": event.fields.get("attempt")}
                inputs.clear()
                checks.clear()
            case "step_start":
                values["status"] = "running"
            case "inputs_resolved":
                name, from_step = event.fields.get("name"), event.fields.get("from_step")
                inputs.append(
                    {"name": name, "from_step": from_step, "from": event.location, "rows": event.row_count}
                )
            case "output_stored":
                values |= _from_output_stored(event.fields)
            case "check_result":
                checks[str(event.fields.get("status"))] += 1
            case "spill_write":
                values |= _from_spill_write(step, event.fields)
            case "frame_released":
                values["has_df_in_memory"] = False
            case "step_complete" | "step_failed":
                values |= _from_step_end(event)
            case "step_skipped":
                values |= {"status": "skipped", "skipped_because": event.fields.get("because")}
            case "step_reused":
                values |= _from_step_reused(step, event.fields)
    rows_in = [entry["rows"] for entry in inputs]
    return StepCard(
        step_id=step.id,
        driver=step.driver,
        inputs=tuple(inputs),
        rows_in=sum(rows_in) if rows_in and None not in rows_in else None,
        checks={status: checks[status] for status in ("passed", "failed")} if checks else None,
        memory_limit_bytes=step.memory_bytes,
        **values,
    )


def _from_output_stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    is_spilled = fields.get("storage") == "spill"
    values = {
        "has_df_in_memory": fields.get("storage") == "memory",
        "spill_used": is_spilled,
        "memory_bytes": fields.get("memory_bytes"),
        "spill_bytes": fields.get("spill_bytes"),
        "rows_out": fields.get("rows"),
    }
    if is_spilled:
        values["spill_paths"] = {"parquet": fields.get("parquet"), "schema": fields.get("schema")}
    return values


def _from_step_reused(step: Step, fields: Mapping[str, Any]) -> dict[str, Any]:
    has_frame = fields.get("how") not in ("done", "accepted")
    values = {
        "status": "reused",
        "reused_from": fields.get("from_run"),
        "rows_out": fields.get("rows"),
        "has_df_in_memory": False,
    }
    return values | (_from_spill_write(step, fields) if has_frame else {"spill_used": False})


def _from_spill_write(step: Step, fields: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        "spill_used": True,
        "spill_bytes": fields.get("bytes"),
        "spill_paths": {"parquet": layout.spill_path(step.id), "schema": layout.schema_path(step.id)},
    }
    return values if fields.get("in_memory") else {**values, "has_df_in_memory": False}


def _from_step_end(event: Event) -> dict[str, Any]:
    duration = {"duration_ms": event.fields.get("duration_ms")}
    if event.name == "step_failed":
        info = parse_error_info(event.fields.get("error_info"))
        is_interrupted = info is not None and info.kind == "interrupted"
        return {"status": "interrupted" if is_interrupted else "failed", **duration, "error": event.error}
    counts = {
        "rows_out": event.fields.get("rows_processed"),
        "rows_rejected": event.fields.get("rows_rejected"),
    }
    known = {name: count for name, count in counts.items() if count is not None}
    return {"status": "succeeded", **duration, **known}
