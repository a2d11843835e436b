"""Determines where the frame of a step was kept, from all evidence."""

from collections.abc import Sequence
from typing import NamedTuple

from osiris_inspect.inspector.files.log_phrases import UPSTREAM_KEY_MISSING, parse_key_list
from osiris_inspect.inspector.reader.artifacts import DATA_KINDS
from osiris_inspect.inspector.reader.step_builder import StepBuilder
from osiris_inspect.inspector.run.run import Artifact, InputState, LogLine
from osiris_inspect.model.run_card import StepCard
from osiris_inspect.model.run_types import FrameLocation


class StepTraces(NamedTuple):
    """Evidence about a step besides its own events.

    Attributes:
        consumer_input: the input that another step made of its frame; None if there is none.
        inputs_recorded: True if this run logs where inputs were found.
    """

    card: StepCard | None
    artifacts: tuple[Artifact, ...]
    consumer_input: InputState | None
    log_lines: Sequence[LogLine]
    inputs_recorded: bool


def frame_location(draft: StepBuilder, traces: StepTraces, *, is_writer: bool) -> FrameLocation:
    """Return where the frame was kept; explicit records precede inferences."""
    if draft.location is not None:
        return draft.location
    if is_writer or draft.status in ("failed", "interrupted", "skipped", "not_started"):
        return "none"
    if traces.consumer_input is not None and traces.consumer_input.location != "unresolved":
        return traces.consumer_input.location
    if any(artifact.kind in DATA_KINDS for artifact in traces.artifacts):
        return "spill"
    return (
        _from_run_card(traces.card)
        or _from_text_log(draft.id, traces.log_lines)
        or _from_missing_evidence(draft, traces)
    )


def _from_run_card(card: StepCard | None) -> FrameLocation | None:
    if card is None or (card.has_df_in_memory is None and card.spill_used is None):
        return None
    return "spill" if card.spill_used else "memory" if card.has_df_in_memory else "none"


def _from_text_log(step: str, lines: Sequence[LogLine]) -> FrameLocation | None:
    for line in lines:
        match = UPSTREAM_KEY_MISSING.search(line.text)
        if match and match["step"] == step:
            keys = parse_key_list(match["keys"])
            return "memory" if "df" in keys else "spill" if "df_path" in keys else "none"
    return None


def _from_missing_evidence(draft: StepBuilder, traces: StepTraces) -> FrameLocation:
    """Return ``none`` if a consumer looked for the frame and the log does not say that it found it."""
    entry = traces.consumer_input
    is_recorded = traces.inputs_recorded and draft.status == "succeeded"
    # up to 0.3.1 the log reports that an input was found, but not where
    return "none" if is_recorded and entry is not None and entry.line == 0 else "unknown"
