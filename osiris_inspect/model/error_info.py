"""Errors as data: the field ``error_info`` of ``step_failed``, ``prepare_failed``, ``step_skipped`` and ``run_end``.

``kind`` and ``facts`` are for rules, ``message`` and ``fix`` for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Domain


class ErrorKind(NamedTuple):
    """Where errors of a kind come from, and what they mean in one sentence."""

    domain: Domain
    description: str


ERROR_KINDS: Mapping[str, ErrorKind] = {
    "driver-raised": ErrorKind("code", "The code of a driver raised an exception."),
    "driver-not-registered": ErrorKind("config", "No driver has the name that the step requests."),
    "dependency-missing": ErrorKind("infra", "A package that a step needs is not installed."),
    "input-not-found": ErrorKind("code", "An input is in neither memory nor spill."),
    "internal-error": ErrorKind("code", "The runtime itself failed."),
    "interrupted": ErrorKind("infra", "A signal or Ctrl-C ended the run."),
    "message-too-large": ErrorKind("data", "A message between proxy and worker exceeded the limit."),
    "path-outside-run": ErrorKind("config", "A path or a step id leaves its directory."),
    "pipeline-invalid": ErrorKind("config", "The pipeline file cannot be compiled."),
    "config-value-invalid": ErrorKind("config", "A setting has an invalid value."),
    "protocol-error": ErrorKind("infra", "Proxy and worker cannot communicate."),
    "run-directory-exists": ErrorKind("config", "The directory of a new run exists."),
    "run-not-readable": ErrorKind("config", "The path is not a run."),
    "line-not-readable": ErrorKind("data", "A line of a log is not an event or a metric."),
    "spill-file-unreadable": ErrorKind("infra", "A spilled frame cannot be read."),
    "spill-write-failed": ErrorKind("infra", "A frame could not be written to disk."),
    "worker-killed": ErrorKind("infra", "The worker process ended during the run."),
    "worker-start-failed": ErrorKind("infra", "The worker process could not be started."),
}
"""Kinds of the errors of this project; a kind that is also the id of a rule means the same."""


class Place(NamedTuple):
    """The innermost frame of a traceback outside of installed packages; ``line`` counts from 1."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """An error with its parts.

    Attributes:
        kind: a slug of ``error_info.ERROR_KINDS``, or of a third-party driver.
        message: what failed and why, without the remedy.
        fix: what to do; None if the error does not say.
        facts: typed values such as ``table``, ``column``, ``path``, ``code``, ``http_status``, ``limit_bytes``.
        type: the class of the error.
        chain: the classes of the error and of its causes, from outside in.
        place: where it was raised; None if the traceback has no frame outside of installed packages.
    """

    kind: str
    message: str
    fix: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    type: str = ""
    chain: tuple[str, ...] = ()
    place: Place | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "kind": self.kind,
            "message": self.message,
            "fix": self.fix,
            "facts": dict(self.facts),
            "type": self.type,
            "chain": list(self.chain),
            "place": self.place._asdict() if self.place else None,
        }


def parse_error_info(value: Any) -> ErrorInfo | None:
    """Return the error in a field ``error_info``; None without a kind and a message.

    Values of the wrong type are ignored.
    """
    if not isinstance(value, Mapping):
        return None
    kind, message, fix, facts = (value.get(key) for key in ("kind", "message", "fix", "facts"))
    if not (isinstance(kind, str) and kind and isinstance(message, str) and message):
        return None
    chain, place = value.get("chain"), value.get("place")
    return ErrorInfo(
        kind=kind,
        message=message,
        fix=fix if isinstance(fix, str) and fix else None,
        facts=dict(facts) if isinstance(facts, Mapping) else {},
        type=str(value.get("type") or ""),
        chain=tuple(map(str, chain)) if isinstance(chain, list) else (),
        place=_parse_place(place) if isinstance(place, Mapping) else None,
    )


def _parse_place(value: Mapping[str, Any]) -> Place | None:
    file, line = value.get("file"), as_int(value.get("line"))
    if not isinstance(file, str) or not file or line is None:
        return None
    return Place(file, line, str(value.get("function") or ""))
