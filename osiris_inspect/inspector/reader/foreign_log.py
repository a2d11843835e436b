"""Recognizes a log of another program by the names of its events."""

from collections.abc import Iterable
from typing import Final

from osiris_inspect.model.event import Event

REASON: Final = "none of its events belongs to a pipeline run: another program may have written it"

_NAMES: Final = frozenset(
    [
        "adapter_collect_complete",
        "adapter_collect_start",
        "adapter_execute_complete",
        "adapter_execute_start",
        "adapter_execution_error",
        "adapter_execution_start",
        "adapter_prepare_complete",
        "adapter_prepare_start",
        "adapter_selected",
        "aiop_export_error",
        "artifact_created",
        "artifact_lost",
        "artifacts_dir_created",
        "artifacts_lost",
        "cache_miss",
        "capture_missed",
        "capture_started",
        "cfg_materialized",
        "cfg_opened",
        "check_result",
        "cleanup_complete",
        "cleanup_start",
        "cluster",
        "cluster_changed",
        "collect_complete",
        "collect_start",
        "compile_complete",
        "compile_error",
        "compile_start",
        "config_meta_stripped",
        "connection_lost",
        "connection_resolve_complete",
        "connection_resolve_start",
        "connection_restored",
        "database_initialized",
        "dependencies_installed",
        "dependency_check",
        "dependency_install_complete",
        "driver_file_verified",
        "driver_registered",
        "driver_registration_failed",
        "drivers_registered",
        "dtype_downgraded",
        "environment",
        "execute_complete",
        "execute_error",
        "execute_start",
        "execution_error_mapped",
        "frame_captured",
        "heartbeat",
        "input_not_found",
        "inputs_resolved",
        "lines_fetched",
        "lines_lost",
        "lines_missing",
        "manifest_materialized",
        "metric_refused",
        "output_stored",
        "parcel",
        "placed",
        "plan",
        "preflight_validation_error",
        "preflight_validation_success",
        "prepare_failed",
        "rows_out",
        "run_complete",
        "run_end",
        "run_error",
        "run_index_updated",
        "run_start",
        "session_initialized",
        "spill_failed",
        "spill_read",
        "spill_unsynced",
        "spill_write",
        "step_complete",
        "step_failed",
        "step_reused",
        "step_skipped",
        "step_start",
        "worker_lost",
        "worker_started",
        "write.complete",
        "write.error",
        "write.start",
    ]
)
"""Events of runs of this program and of the original; a driver may add others."""


def is_foreign(events: Iterable[Event]) -> bool:
    """Return True if a log has events, but none that belongs to a run."""
    has_events = False
    for event in events:
        if event.step is not None or event.name in _NAMES:
            return False
        has_events = True
    return has_events
