"""Every error of the project.

```
OsirisError
├── PipelineError            a pipeline cannot be compiled; carries every Problem with its line and column
├── SettingsError            a setting or a flag has a value it cannot have
├── RunNotReadable            a path that was to be a run, or a folder of runs, is none
├── InvalidLine           a line of a log is no event and no metric
├── UnsafePath               a name that would lead out of its folder
├── RunError                 a run could not do what it was asked to
│   ├── InputNotFound        a step's input is in neither memory nor spill
│   ├── DriverNotFound       no driver of that name
│   ├── DriverError          a driver was given something it cannot work with, or gave back something else
│   ├── DependencyMissing    modules that a step needs are not installed
│   └── RunDirectoryExists   two runs would write one directory
├── SpillError               a frame and the disk
│   ├── SpillFailed          a frame could not be written; it is still in memory
│   └── SpillCorrupt         a spilled frame is missing, cut, changed or not ours
└── ProtocolError                the two ends of the wire
    ├── InvalidMessage           bytes that are no message
    ├── MessageTooLarge      a line over the limit
    ├── WorkerStartFailed     there is no worker: what was to hold it could not be had
    └── WorkerLost           the worker is gone; says how it ended
```

A message says what was wanted, what was found and where to look: lower case, no full stop, never a secret.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple


class OsirisError(Exception):
    """An error that a person can act on; its text is the one line they are shown.

    A class that was renamed keeps its first name as ``log_name``: logs hold that one as ``error_type``.
    """


def log_name(error: BaseException) -> str:
    """Return the name of an error's class as logs have it."""
    name = vars(type(error)).get("log_name", type(error).__name__)
    return str(name)


class Problem(NamedTuple):
    """One thing wrong with a pipeline file. ``line`` and ``column`` count from 1; 0 when there is no place."""

    message: str
    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class PipelineError(OsirisError):
    """A pipeline cannot be compiled. ``problems`` holds all that is wrong, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SettingsError(OsirisError):
    """A variable or a flag holds a value it cannot have; the message names both."""


class RunNotReadable(OsirisError):
    """The path is not a run and holds none."""

    log_name = "UnreadableRun"


class InvalidLine(OsirisError):
    """A line that is no event and no metric; the message says why."""

    log_name = "UnreadableLine"


class UnsafePath(OsirisError):
    """A step id or a path that would lead out of the folder it belongs to."""

    log_name = "UnsafeName"


class RunError(OsirisError):
    """A run could not do what it was asked to."""


class InputNotFound(RunError):
    """A step's input is in neither memory nor spill.

    ``tried`` says what was found in each place, in the order in which it was looked at.
    """

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
        places = "; ".join(f"{place['place']}: {place['reason']}" for place in tried)
        holds = ", ".join(present) or "nothing"
        super().__init__(
            f"step {step!r} needs input {name!r} from step {upstream!r}, which is in neither memory nor spill"
            + (f" ({places})" if places else "")
            + f"; the store holds {holds}"
        )


class DriverNotFound(RunError):
    """No driver of that name; the message names the ones there are."""


class DriverError(RunError):
    """A driver cannot work with what it was given, or gave back what is no result."""


class DependencyMissing(RunError):
    """Modules are not installed; the message names them, what brings them, and where pip's words are."""


class RunDirectoryExists(RunError):
    """The directory of a new run is there already; nothing was written."""


class SpillError(OsirisError):
    """A frame and the disk."""


class SpillFailed(SpillError):
    """A frame could not be written. It is still in memory, and nothing half-written was left behind."""


class SpillCorrupt(SpillError):
    """A spilled frame is missing, cut off, changed or not ours. No value of it was handed out."""

    log_name = "SpillDamaged"


class ProtocolError(OsirisError):
    """The two ends of the wire do not understand each other."""

    log_name = "WireError"


class InvalidMessage(ProtocolError):
    """Bytes that are no message."""

    log_name = "BadMessage"


class MessageTooLarge(ProtocolError):
    """A line over the limit; the line was thrown away, the next one is read."""


class WorkerStartFailed(ProtocolError):
    """There is no worker: the process or the sandbox that was to hold it could not be had."""

    log_name = "WorkerNotStarted"


class WorkerLost(ProtocolError):
    """The worker is gone. ``how`` says how it ended, e.g. ``killed by SIGKILL`` or ``exit code 3``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the worker is gone: {reason}")
