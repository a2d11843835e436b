"""Errors as data: the field ``error_info`` of ``step_failed``, ``prepare_failed``, ``step_skipped`` and ``run_end``.

``kind`` and ``facts`` are for rules, ``message`` and ``fix`` for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Domain


class ErrorKind(NamedTuple):
    """The domain of the errors of a kind, and their meaning in one sentence."""

    domain: Domain
    description: str


ERROR_KINDS: Mapping[str, ErrorKind] = {
    "artifact-lost": ErrorKind("infra", "A file of a step could not be downloaded."),
    "authentication-failed": ErrorKind("config", "A service refused the credentials."),
    "bundle-differs": ErrorKind("infra", "A file of the run differs between host and worker."),
    "check-failed": ErrorKind("data", "A frame does not meet the checks of its step."),
    "column-missing": ErrorKind("config", "A column that a step names does not exist."),
    "columns-differ": ErrorKind("data", "The files or inputs of a step have different columns or types."),
    "component-not-loadable": ErrorKind("config", "A component of an installed package cannot be loaded."),
    "config-missing": ErrorKind("config", "The configuration file of a step is missing."),
    "config-unreadable": ErrorKind("config", "The configuration file of a step is not valid JSON."),
    "config-value-invalid": ErrorKind("config", "A setting has an invalid value."),
    "config-value-missing": ErrorKind("config", "A required value of the configuration is missing."),
    "connection-failed": ErrorKind("infra", "A server could not be reached."),
    "connection-lost": ErrorKind("infra", "A connection ended while it was in use."),
    "connection-refused": ErrorKind("infra", "A server refused the connection."),
    "connection-unresolved": ErrorKind("config", "A connection that a step names does not exist."),
    "constraint-missing": ErrorKind(
        "config", "A table has no unique constraint on the key that the write needs."
    ),
    "constraint-violated": ErrorKind("data", "The database rejected rows that violate a constraint."),
    "csv-ragged": ErrorKind(
        "data", "Lines of a CSV file have different numbers of fields, or its quotes do not match."
    ),
    "database-missing": ErrorKind("config", "A database or a schema does not exist."),
    "database-read-only": ErrorKind("config", "The database accepts no writes."),
    "delimiter-wrong": ErrorKind(
        "config", "A CSV file is separated by another delimiter than the step names."
    ),
    "dependency-missing": ErrorKind("infra", "A package that a step needs is not installed."),
    "disk-full": ErrorKind("infra", "The disk is full."),
    "driver-exited": ErrorKind("code", "A driver tried to exit the worker process."),
    "driver-not-registered": ErrorKind("config", "No driver has the name that the step requests."),
    "driver-raised": ErrorKind("code", "The code of a driver raised an exception."),
    "duplicate-keys": ErrorKind("data", "Several rows of an input have the same key."),
    "earlier-run-unusable": ErrorKind("config", "An earlier run cannot be continued as requested."),
    "encoding-wrong": ErrorKind("data", "A file is not in the expected encoding."),
    "endpoint-missing": ErrorKind("config", "A URL of a service does not exist."),
    "engine-lost": ErrorKind("infra", "The scheduler of a cluster ended or was not reached."),
    "environment-variable-missing": ErrorKind("config", "An environment variable is not set."),
    "file-changed": ErrorKind("infra", "A file changed while it was read."),
    "file-format-wrong": ErrorKind("config", "A file has another format than the step reads."),
    "file-missing": ErrorKind("config", "A file does not exist."),
    "file-unreadable": ErrorKind("infra", "A file is damaged, or the system failed to read it."),
    "frame-refused": ErrorKind("data", "The columns of a frame have names that the target does not accept."),
    "frame-without-columns": ErrorKind("data", "A file or a frame has no columns."),
    "host-not-found": ErrorKind("config", "The name of a server cannot be resolved."),
    "input-count-wrong": ErrorKind("config", "A step received no input, or more inputs than it takes."),
    "input-name-mismatch": ErrorKind("code", "A step or its driver uses a name that no input has."),
    "input-not-found": ErrorKind("code", "An input is in neither memory nor spill."),
    "internal-error": ErrorKind("code", "The runtime itself failed."),
    "interrupted": ErrorKind("infra", "A signal or Ctrl-C ended the run."),
    "isolation-unavailable": ErrorKind("infra", "The requested isolation does not work on this machine."),
    "line-not-readable": ErrorKind("data", "A line of a log is not an event or a metric."),
    "lock-conflict": ErrorKind("infra", "Another session holds a lock or changed the same rows."),
    "machine-lost": ErrorKind("infra", "A machine of a cluster was lost while it ran a step."),
    "machine-missing": ErrorKind(
        "config", "No machine of a cluster has the memory or the resources that a step needs."
    ),
    "message-too-large": ErrorKind("data", "A message between proxy and worker exceeded the limit."),
    "network-timeout": ErrorKind("infra", "A server did not answer in time."),
    "null-keys": ErrorKind("data", "Rows of an input have no value in a key column."),
    "out-of-memory": ErrorKind("infra", "The memory did not suffice."),
    "output-key-wrong": ErrorKind("code", "A driver returned no value under 'df', but other values."),
    "output-missing": ErrorKind("code", "A driver returned nothing."),
    "output-not-a-frame": ErrorKind("code", "A driver returned a value that is not a frame."),
    "path-is-directory": ErrorKind("config", "A path that must be a file is a directory."),
    "path-not-writable": ErrorKind("config", "A path is on a read-only file system."),
    "path-outside-run": ErrorKind("config", "A path or a step id leaves its directory."),
    "permission-denied": ErrorKind("config", "The system refused access to a file."),
    "pipeline-invalid": ErrorKind("config", "The pipeline file cannot be compiled."),
    "pipeline-unreadable": ErrorKind("config", "The pipeline file cannot be read."),
    "protocol-error": ErrorKind("infra", "Proxy and worker cannot communicate."),
    "query-cancelled": ErrorKind("infra", "A statement was stopped before its end."),
    "query-failed": ErrorKind("config", "The database reported an error of a query."),
    "query-reads-files": ErrorKind("config", "A query reads or writes files, which the step does not allow."),
    "query-result-unusable": ErrorKind("config", "A query returns no rows, or several results."),
    "query-timeout": ErrorKind("config", "A statement exceeded its time limit."),
    "rate-limited": ErrorKind("infra", "A service limits the rate of requests."),
    "request-refused": ErrorKind("config", "A service refused a request."),
    "rows-rejected": ErrorKind("data", "A server took fewer rows than were sent."),
    "run-directory-exists": ErrorKind("config", "The directory of a new run exists."),
    "run-directory-not-writable": ErrorKind("infra", "The run directory cannot be written."),
    "run-not-readable": ErrorKind("config", "The path is not a run."),
    "run-stopped": ErrorKind("code", "The step did not run, because the run ends at its first failed step."),
    "sandbox-left-behind": ErrorKind("infra", "A sandbox could not be ended."),
    "sandbox-lost": ErrorKind("infra", "The sandbox ended during the run."),
    "sandbox-unavailable": ErrorKind("infra", "No sandbox could be created."),
    "schema-cache-stale": ErrorKind("infra", "PostgREST does not know the present columns of a table."),
    "service-failed": ErrorKind("infra", "A service reported an error of its own."),
    "shared-store-failed": ErrorKind("infra", "The shared store of a cluster refused, or was not reached."),
    "source-changed": ErrorKind("data", "A source returned other rows than in the run that is continued."),
    "spill-file-unreadable": ErrorKind("infra", "A spilled frame cannot be read."),
    "spill-write-failed": ErrorKind("infra", "A frame could not be written to disk."),
    "sql-syntax": ErrorKind("config", "A query is not valid SQL."),
    "step-timeout": ErrorKind("infra", "A step exceeded its time limit."),
    "table-missing": ErrorKind("config", "A table does not exist."),
    "tls-failed": ErrorKind("config", "An encrypted connection could not be established."),
    "too-many-open-files": ErrorKind("infra", "The process reached its limit of open files."),
    "upload-damaged": ErrorKind("infra", "The upload into a sandbox arrived damaged."),
    "upstream-failed": ErrorKind("code", "The step did not run, because a step that it needs failed."),
    "value-not-convertible": ErrorKind("data", "A value cannot be converted to the type of its column."),
    "value-refused": ErrorKind("data", "The database rejected a value for its column."),
    "version-mismatch": ErrorKind("infra", "Host and worker run different versions."),
    "worker-hung": ErrorKind("infra", "The worker process did nothing for too long."),
    "worker-killed": ErrorKind("infra", "The worker process ended during the run."),
    "worker-start-failed": ErrorKind("infra", "The worker process could not be started."),
    "write-unconfirmed": ErrorKind("infra", "The server did not report how many rows it wrote."),
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
