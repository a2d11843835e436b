"""Documents of a bundle: ``original.json`` about the run that it is from, and ``repro.json`` about the bundle."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from osiris_inspect.model.failure.signature import failure_signature
from osiris_inspect.model.version import __version__
from osiris_inspect.runtime.replay.earlier.earlier_run import PastRun, PastStep, read_events

FORMAT: Final = 1
_VERSIONS: Final = ("python", "os", "packages", "packages_sha256")


def original_document(earlier: PastRun, signature: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known about a run without its texts: plan, versions, settings, rows, durations, fingerprints."""
    environment: Mapping[str, Any] = {}
    durations: dict[str, Any] = {}
    for event in read_events(earlier.path):
        if event.name == "environment":
            environment = event.fields  # the last one is of the worker
        elif event.name in ("step_complete", "step_failed") and event.step:
            durations[event.step] = event.fields.get("duration_ms")
    return {
        "run": earlier.name,
        "mode": earlier.start.get("mode"),
        "status": earlier.status,
        "pipeline_fingerprint": earlier.plan.get("fingerprint"),
        "versions": {name: environment.get(name) for name in _VERSIONS},
        "settings": {name: _value(entry) for name, entry in earlier.start["settings"].items()},
        "steps": [
            {
                "id": step.id,
                "driver": step.driver,
                "needs": list(step.needs),
                **_result(earlier.steps[step.id]),
                "duration_ms": durations.get(step.id),
            }
            for step in earlier.manifest.steps
        ],
        "signature": dict(signature),
    }


def signature_of(step: PastStep) -> dict[str, str]:
    """Return the signature of the failure of a step."""
    return failure_signature(step.error or "", step.error_type, step.traceback)._asdict()


def repro_document(
    earlier: PastRun,
    step: str,
    signature: Mapping[str, str],
    contents: Mapping[str, Any],
    files: Mapping[str, bytes],
) -> dict[str, Any]:
    """Return ``repro.json``; ``contents`` says how the bundle was made."""
    return {
        "format": FORMAT,
        "tool": f"osiris-inspect {__version__}",
        "from": {
            "run": earlier.name,
            "step": step,
            "pipeline_fingerprint": earlier.plan.get("fingerprint"),
        },
        "signature": dict(signature),
        **contents,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
        "replay": f"osiris-inspect replay FILE.zip {step}",
    }


def _result(step: PastStep) -> dict[str, Any]:
    code = step.code or {}
    return {
        "status": step.status,
        "rows": step.rows,
        "fingerprint": step.fingerprint,
        "code": {name: code.get(name) for name in ("file_sha256", "distribution", "version")},
    }


def _value(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, Mapping) else None
