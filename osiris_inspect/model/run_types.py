"""Literal types that the runtime and the inspector share."""

from typing import Literal

RunStatus = Literal[
    "success", "failed", "interrupted", "truncated", "running", "compile_failed", "unreadable"
]
"""The runtime writes one of the first three; the reader derives all of them."""

RunMode = Literal["local", "process", "sandbox", "e2b", "dask", "worker"]
"""Where the worker ran. "worker" means that only the worker's log is available; the runtime never writes it."""

FrameLocation = Literal["memory", "spill", "none", "unknown"]
"""Where a step's frame is stored. "unknown": the log does not record it."""

InputLocation = Literal["memory", "spill", "unresolved"]
"""Where a step's input was resolved from. "unresolved": not found, or the log does not record it."""

RunOriginKind = Literal["replay", "resume", "selection", "reuse"]
"""Why a run takes over results of an earlier run."""
OutputLevel = Literal["identical", "same rows, other order", "same but for rounding", "same shape", "other"]
"""Levels of likeness of two outputs of a step, the closest first. "same shape": rows, columns and types are the same."""

FailureLevel = Literal[
    "same failure, same values", "same failure, other values", "other failure", "succeeded"
]
"""Levels of likeness of the outcome of a second attempt to a failure, the closest first."""
