"""Failures of the host as data: the field ``error_info`` of its events."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from osiris_inspect.model.errors import OsirisError, RunError
from osiris_inspect.runtime.protocol.error_report import build_error_info, kind_of, os_error_facts
from osiris_inspect.runtime.protocol.messages import ErrorResponse


def error_response(error_type: str, message: str, info: Mapping[str, Any]) -> ErrorResponse:
    """Return the answer that a worker would give for an error of the host."""
    return ErrorResponse(None, {"type": error_type, "message": message, "error_info": info})


def info_of(
    error: OsirisError, error_type: str | None = None, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the parts of an error with further facts; those that are None are left out."""
    info = build_error_info(error)
    known = {name: value for name, value in (facts or {}).items() if value is not None}
    return replace(info, type=error_type or info.type, facts={**info.facts, **known}).to_dict()


def with_step(info: Mapping[str, Any], step: str) -> dict[str, Any]:
    """Return the parts of a step's error with the step."""
    facts = info.get("facts")
    return {**info, "facts": {**(facts if isinstance(facts, Mapping) else {}), "step": step}}


def write_failure(error: OSError | OsirisError) -> tuple[str, dict[str, Any]]:
    """Return the message and the parts of an error of a write into the run directory."""
    info = build_error_info(error)
    if isinstance(error, OSError):
        kind = kind_of(error, "run-directory-not-writable")
        info = replace(info, kind=kind, message=f"cannot write the run directory: {error}")
    info = replace(info, fix="free disk space, or choose another folder with --logs")
    return info.message, info.to_dict()


def cannot_create_run(logs: Path, error: OSError) -> RunError:
    """Return the error for a run directory that cannot be created."""
    return RunError(
        f"cannot create a run directory in {str(logs)!r}: {error.strerror or error}",
        kind=kind_of(error, "run-directory-not-writable"),
        fix="choose another folder with --logs",
        **{"path": str(logs), **os_error_facts(error)},
    )
