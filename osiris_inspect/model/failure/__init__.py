"""Event names that report a failure, and error messages. Imports nothing heavy: early output needs it."""

from collections.abc import Mapping
from typing import Any, Final

STEP_FAILURES: Final = ("step_failed", "step_error")
RUN_FAILURES: Final = (
    "compile_error",
    "preflight_validation_error",
    "execute_error",
    "adapter_execution_error",
    "run_error",
)
"""Failures that end the run, closest to the cause first. A run survives others, such as a failed spill."""


def is_failure(name: str) -> bool:
    """Return True if events of this name, native or not, report a failure."""
    return f"_{name}".endswith(("_failed", ".failed", "_error", ".error", "_input_not_found"))


def error_message(fields: Mapping[str, Any]) -> str | None:
    """Return the error message in the fields of a failure, None if there is none."""
    for key in ("error", "message"):
        value = fields.get(key)
        if isinstance(value, Mapping):
            value = value.get("message")
        if value:
            return str(value)
    return None
