"""Driver protocol, and the lookup of a component's driver."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from osiris_inspect.model.errors import DriverError, DriverNotFound, OsirisError
from osiris_inspect.runtime.files.memory_limit import MemoryLimit, current_limit
from osiris_inspect.runtime.pipeline import builtin_components as built_in
from osiris_inspect.runtime.protocol.cancellation import CancelToken

if TYPE_CHECKING:
    from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

FileUse = Literal["read", "written"]
Config = Mapping[str, Any]
"""The configuration of a step with its defaults, or of a connection."""
Inputs = Mapping[str, "ResolvedInput"]
"""The inputs of a step by name."""


@dataclass(frozen=True, slots=True)
class StagedOutput:
    """Place where an isolated step writes a file that the host then moves to its path.

    Attributes:
        path: the place. The host puts a copy of the old file beside it, with the suffix ``.old``, if the driver may
            append to it.
        refused: the error if the file cannot be at its path.
    """

    path: Path
    refused: DriverError | None = None

    @property
    def has_old(self) -> bool:
        """True if there is a copy of the old file."""
        return self.path.with_suffix(".old").exists()

    def begin(self, *, append: bool) -> Path:
        """Return the path of a new file beside it: an empty one, or the old file.

        Raises:
            OSError: the file cannot be created.
        """
        temporary, old = self.path.with_suffix(".part"), self.path.with_suffix(".old")
        if append and old.exists():
            old.rename(temporary)
        else:
            temporary.touch(0o600)
        return temporary


@dataclass(frozen=True, slots=True)
class DriverContext:
    """Services for a driver.

    Attributes:
        base: the directory that relative paths of the pipeline start from.
        artifacts: the step's artifact directory, which exists.
        metric: writes a metric of the step: name and value.
        progress: records the number of rows processed so far, which heartbeats report.
        cancel: registers callbacks that interrupt a long call.
        describe_join: records the counts of the join that made the frame.
        describe_source: records what is unusual in a file that the step read, by name; see ``csv.file_checks``.
        describe_query: records the mistakes that the query and its inputs show.
        describe_filters: records for conditions of the query the table, its rows and how many fulfil them.
        describe_file: records a file that the step read or wrote, by its path in the pipeline, and where its content is.
        other_steps: the ids of the pipeline's other steps.
        memory: memory that the process may use.
        outputs: in a sandbox, the places of the step's files by their paths; ``output_file`` uses them.
    """

    base: Path
    artifacts: Path
    metric: Callable[[str, float], None]
    progress: Callable[[int], None]
    cancel: CancelToken
    describe_join: Callable[[Mapping[str, Any]], None] = lambda _counts: None
    describe_query: Callable[[Sequence[Mapping[str, Any]]], None] = lambda _checks: None
    describe_filters: Callable[[Sequence[Mapping[str, Any]]], None] = lambda _filters: None
    describe_source: Callable[[Mapping[str, Any]], None] = lambda _facts: None
    describe_file: Callable[[FileUse, Path, Path], None] = lambda _use, _path, _content: None
    other_steps: tuple[str, ...] = ()
    memory: MemoryLimit = field(default_factory=current_limit)
    outputs: Mapping[str, StagedOutput] = field(default_factory=dict)


class Driver(Protocol):
    """Runs one step.

    Inputs are handles, so a driver that reads Arrow or SQL need not load a pandas frame. An extractor or a processor
    returns ``{"df": frame}``, a pandas frame or an Arrow table; a writer returns ``{"rows_written": n}``. A driver that
    leaves rows out adds ``"rows_rejected": n``, and may write them to ``rejected_rows.csv`` in ``ctx.artifacts``. An
    exception fails the step only. Changes to an input frame are not visible to other steps.

    Reports show the kind, the fix and the facts of a ``DriverError``; the kind of any other exception is
    ``driver-raised``. A kind is a slug of ``model.error_info.ERROR_KINDS`` if one fits, else one of your own. Facts are
    JSON values::

        raise DriverError(
            f"table {name!r} does not exist",
            kind="table-missing",
            fix="create the table, or correct table of the step",
            table=name,
        )

    The text of this error is ``table 'x' does not exist; create the table, or …``. A writer adds the fact
    ``rows_written``: 0, a number, or ``unknown`` if the rows may have been written or not.
    """

    def run(
        self, *, step_id: str, config: Config, inputs: Inputs, ctx: DriverContext
    ) -> Mapping[str, Any] | None:
        """Run the step."""


def load_driver(name: str) -> Driver:
    """Return the driver of a component.

    Raises:
        DriverNotFound: there is no such component; the message lists the components.
    """
    component = built_in.all_components().get(name)
    if component is None:
        known = ", ".join(sorted(built_in.all_components()))
        raise DriverNotFound(
            f"no driver {name!r}; there are {known}", fix="correct component of the step", driver=name
        )
    module, _, attribute = component.driver.partition(":")
    driver: Driver = getattr(import_module(module), attribute)()
    return driver


def produces_frame(name: str) -> bool:
    """Return True if a step of this component must produce a frame."""
    component = built_in.all_components().get(name)
    return component is not None and component.produces_frame


@contextmanager
def errors_name_step(step_id: str) -> Iterator[None]:
    """Prefix the message of a ``DriverError`` in the block with the step."""
    try:
        yield
    except DriverError as error:
        raise prefixed(error, f"step {step_id!r}: ") from error.__cause__


def prefixed(error: OsirisError, prefix: str) -> DriverError:
    """Return a ``DriverError`` with the kind, fix and facts of ``error`` and a prefix before its message."""
    return DriverError(f"{prefix}{error.message}", kind=error.kind, fix=error.fix, **error.facts)
