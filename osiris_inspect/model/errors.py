"""Errors of the project.

```
OsirisError
├── PipelineError           a pipeline cannot be compiled; has every Problem with its line and column
├── SettingsError           a setting or a flag has an invalid value
├── RunNotReadable          a path is not a run and contains none
├── InvalidLine             a line of a log is not an event or a metric
├── UnsafePath              a name or path leaves its directory
├── RunError                a run cannot do what was requested
│   ├── InputNotFound       a step's input is in neither memory nor spill
│   ├── DriverNotFound      there is no driver of this name
│   ├── DriverError         a driver cannot use its configuration or inputs, or returned an invalid result
│   ├── DependencyMissing   modules that a step needs are not installed
│   └── RunDirectoryExists  the directory of a new run exists
├── EarlierRunError         an earlier run cannot be continued or used as requested
│   ├── NothingToResume     every step of it succeeded
│   ├── AlreadyResumed      another run continued it
│   ├── InputsGone          a frame of it is missing, damaged or another one
│   ├── SourceChanged       a source returned other rows than in that run
│   ├── MaskedConfiguration a value of its configuration is masked and cannot be resolved
│   ├── MayHaveWritten      a writer of it may have written its rows
│   └── NotOurs             it was not made by this program
├── SpillError              a frame cannot be written to disk or read from it
│   ├── SpillFailed         a frame could not be written; it is still in memory
│   └── SpillCorrupt        a spilled frame is missing, truncated, changed or not ours
└── ProtocolError           proxy and worker cannot communicate
    ├── InvalidMessage      bytes that are not a message
    ├── MessageTooLarge     a line over the limit
    ├── WorkerStartFailed   the process or sandbox of the worker could not be started
    ├── WorkerHung          the worker sent no heartbeat for too long
    └── WorkerLost          the worker ended; has the reason
```

Messages are lower case, without a full stop and without secrets: what failed, why, and what to do.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple


class OsirisError(Exception):
    """Error that a user can act on; its text is the one line that is shown.

    A renamed class keeps its first name as ``log_name``, which logs contain as ``error_type``.

    Attributes:
        kind: stable slug that rules read; a key of ``error_info.ERROR_KINDS``.
        message: what failed and why.
        fix: what to do, one imperative sentence; the text of the error is ``message; fix``.
        facts: the values that the message was made of: ``table``, ``column``, ``path``, ``code``, ``http_status``, …
    """

    kind: str = "internal-error"

    def __init__(
        self, message: str, *, kind: str | None = None, fix: str | None = None, **facts: Any
    ) -> None:
        self.message, self.fix, self.facts = message, fix, facts
        if kind is not None:
            self.kind = kind
        super().__init__(f"{message}; {fix}" if fix else message)


def log_name(error: BaseException) -> str:
    """Return the name of an error's class as written to logs."""
    return str(vars(type(error)).get("log_name", type(error).__name__))


class Problem(NamedTuple):
    """Problem in a pipeline file. ``line`` and ``column`` count from 1; 0 if the problem has no position."""

    message: str
    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        position = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{position}: {self.message}"


MAX_PROBLEMS = 20
"""Problems that the text of an error, or ``lint`` of a file, names; the others are counted."""


class PipelineError(OsirisError):
    """A pipeline cannot be compiled.

    ``problems`` has every problem in the order of the file; the text and the facts have the first ``MAX_PROBLEMS``.
    """

    kind = "pipeline-invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first, more = self.problems[:MAX_PROBLEMS], len(self.problems) - MAX_PROBLEMS
        counted = [f"and {more:,} more problem{'s' if more > 1 else ''}"] if more > 0 else []
        super().__init__(
            "\n".join([*map(str, first), *counted]), problems=[problem._asdict() for problem in first]
        )


class SettingsError(OsirisError):
    """A variable or a flag has an invalid value; the message names both."""

    kind = "config-value-invalid"


class RunNotReadable(OsirisError):
    """The path is not a run and contains none."""

    kind = "run-not-readable"
    log_name = "UnreadableRun"


class InvalidLine(OsirisError):
    """A line is not an event or a metric; the message says why."""

    kind = "line-not-readable"
    log_name = "UnreadableLine"


class UnsafePath(OsirisError):
    """A step id or a path leaves its directory."""

    kind = "path-outside-run"
    log_name = "UnsafeName"


class RunError(OsirisError):
    """A run cannot do what was requested."""


class InputNotFound(RunError):
    """A step's input is in neither memory nor spill.

    ``tried`` has the result of each lookup in the order of the lookups, ``present`` the steps whose frames are stored.
    """

    kind = "input-not-found"

    def __init__(
        self,
        *,
        step: str,
        name: str,
        upstream: str,
        tried: Sequence[dict[str, Any]] = (),
        present: Sequence[str] = (),
    ) -> None:
        self.step, self.name, self.upstream = step, name, upstream
        self.tried, self.present = tuple(tried), tuple(present)
        lookups = "; ".join(f"{lookup['place']}: {lookup['reason']}" for lookup in tried)
        super().__init__(
            f"step {step!r} needs input {name!r} from step {upstream!r}, which is in neither memory nor spill"
            + (f" ({lookups})" if lookups else "")
            + f"; the store holds {', '.join(present) or 'nothing'}",
            step=step,
            input=name,
            upstream=upstream,
        )


class DriverNotFound(RunError):
    """There is no driver of this name; the message lists the drivers."""

    kind = "driver-not-registered"


class DriverError(RunError):
    """A driver cannot use its configuration or inputs, or returned an invalid result."""

    kind = "driver-raised"


class DependencyMissing(RunError):
    """Modules are not installed; the message names them, the extra to install and pip's log."""

    kind = "dependency-missing"


class RunDirectoryExists(RunError):
    """The directory of a new run exists; nothing was written."""

    kind = "run-directory-exists"


class EarlierRunError(OsirisError):
    """An earlier run cannot be continued or used as requested."""

    kind = "earlier-run-unusable"


class NothingToResume(EarlierRunError):
    """Every step of the run succeeded."""


class AlreadyResumed(EarlierRunError):
    """Another run continued the run."""


class InputsGone(EarlierRunError):
    """A frame of the earlier run is missing, damaged or another one."""


class SourceChanged(EarlierRunError):
    """A source returned other rows than in the earlier run."""

    kind = "source-changed"


class MaskedConfiguration(EarlierRunError):
    """A value of the configuration is masked and cannot be resolved."""


class MayHaveWritten(EarlierRunError):
    """A writer of the earlier run may have written its rows."""


class NotOurs(EarlierRunError):
    """The run was not made by this program."""


class SpillError(OsirisError):
    """A frame cannot be written to disk or read from it."""


class SpillFailed(SpillError):
    """A frame could not be written. It is still in memory, and no partial file remains."""

    kind = "spill-write-failed"


class SpillCorrupt(SpillError):
    """A spilled frame is missing, truncated, changed or not ours. None of its values were returned."""

    kind = "spill-file-unreadable"
    log_name = "SpillDamaged"


class ProtocolError(OsirisError):
    """Proxy and worker cannot communicate."""

    kind = "protocol-error"
    log_name = "WireError"


class InvalidMessage(ProtocolError):
    """Bytes are not a message."""

    kind = "protocol-error"
    log_name = "BadMessage"


class MessageTooLarge(ProtocolError):
    """A line is over the limit. It was discarded, and the next one can be read."""

    kind = "message-too-large"


class WorkerStartFailed(ProtocolError):
    """The process or the sandbox of the worker could not be started."""

    kind = "worker-start-failed"
    log_name = "WorkerNotStarted"


class WorkerHung(ProtocolError):
    """The worker sent no heartbeat for too long. The message names the state of its process."""

    kind = "worker-hung"


class WorkerLost(ProtocolError):
    """The worker ended. ``reason`` is e.g. ``killed by SIGKILL`` or ``exit code 3``."""

    kind = "worker-killed"

    def __init__(self, reason: str, *, kind: str | None = None, **facts: Any) -> None:
        self.reason = reason
        super().__init__(f"the worker is gone: {reason}", kind=kind, reason=reason, **facts)
