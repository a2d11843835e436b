"""The differences of two runs as a JSON document."""

from typing import Any

from osiris_inspect.inspector.files.remote_registry import display_name
from osiris_inspect.inspector.run.comparison import diff_words as words
from osiris_inspect.inspector.run.comparison.difference_ranking import RankedDifference
from osiris_inspect.inspector.run.comparison.divergence import StepComparison
from osiris_inspect.inspector.run.comparison.frame_changes import FrameChanges
from osiris_inspect.inspector.run.comparison.proof_words import is_proved
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.sanitize import masked_text
from osiris_inspect.model.failure.proof import Proof, SwapOutcome

SCHEMA_VERSION = 1


def document(diff: RunDiff, *, show_values: bool = False) -> dict[str, Any]:
    """Return the comparison; values of frames only with ``show_values``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "differs": diff.differs,
        "a": _run(diff.base),
        "b": _run(diff.other),
        "swapped": diff.is_swapped,
        "first": [step.step for step in diff.first],
        "certain": diff.is_certain,
        "ranked": [_ranked(ranked, diff.proof) for ranked in diff.ranked],
        "proof": None if diff.proof is None else _proof(diff.proof),
        "unrelated": dict(diff.unrelated),
        "notes": list(words.notes(diff)),
        "steps": [_step(step) for step in diff.steps],
        "frames": {step: _frame(changes, show_values=show_values) for step, changes in diff.frames.items()},
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "path": masked_text(display_name(run.path)),
        "id": masked_text(run.id),
        "pipeline": masked_text(run.pipeline) if run.pipeline else None,
        "status": run.status,
        "mode": run.mode,
        "started": run.started,
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "step": proof.step or None,
        "result": proof.result,
        "proved": None if proof.proved is None else _swap(proof.proved),
        "swaps": [_swap(swap) for swap in proof.swaps],
        "replays": proof.replays,
        "reason": masked_text(proof.reason) or None,
    }


def _swap(swap: SwapOutcome) -> dict[str, Any]:
    return {
        "kind": swap.kind,
        "names": [masked_text(name) for name in swap.names],
        "result": swap.result,
        "reason": masked_text(swap.reason) or None,
    }


def _ranked(ranked: RankedDifference, proof: Proof | None) -> dict[str, Any]:
    difference = ranked.difference
    return {
        "score": ranked.score,
        "position": ranked.position,
        "named_in_error": ranked.is_named,
        "proved": is_proved(ranked, proof),
        "kind": difference.kind,
        "step": difference.step,
        "key": masked_text(difference.key) or None,
        "a": masked_text(difference.base),
        "b": masked_text(difference.other),
    }


def _step(step: StepComparison) -> dict[str, Any]:
    return {
        "step": step.step,
        "divergence": step.divergence,
        "outcome": step.outcome.verdict,
        "level": step.outcome.level,
        "changes": [masked_text(change) for change in step.outcome.changes],
        "leads_to_failure": step.on_path,
        "a": None if step.base is None else step.base.step.status,
        "b": None if step.other is None else step.other.step.status,
    }


def _frame(changes: FrameChanges, *, show_values: bool) -> dict[str, Any]:
    frame: dict[str, Any] = {
        "method": changes.method,
        "level": changes.level,
        "key": list(changes.key),
        "rows": list(changes.rows),
        "added": changes.added,
        "removed": changes.removed,
        "changed": changes.changed,
        "rounded_cells": changes.rounded,
        "reordered": changes.is_reordered,
        "cells": dict(changes.cells),
        "columns": list(changes.columns),
        "notes": list(changes.notes),
    }
    if show_values:
        frame["samples"] = [
            {
                "kind": row.kind,
                "row": row.row or None,
                "count": row.count,
                "key": dict(row.key),
                "cells": {name: list(cell) for name, cell in row.cells.items()},
            }
            for row in changes.samples
        ]
    return frame
