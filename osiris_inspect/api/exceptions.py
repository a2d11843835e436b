"""Errors of the Python API that no command raises."""

from typing import TYPE_CHECKING

from osiris_inspect.model.errors import (
    OsirisError,
)

if TYPE_CHECKING:
    pass


class QueryError(OsirisError):
    """A query that DuckDB rejects; ``position`` counts characters from 0, None if it is unknown."""

    def __init__(self, message: str, position: int | None) -> None:
        self.position = position
        super().__init__(message)


class StepNotFound(OsirisError, KeyError):
    """The run has no step with this id; the message lists the steps it has."""

    def __str__(self) -> str:
        return str(self.args[0])


class NoSuchInput(OsirisError, KeyError):
    """The step has no input of this name; the message lists the inputs it has."""

    def __str__(self) -> str:
        return str(self.args[0])


class FrameNotFound(OsirisError):
    """The step left no frame in the run directory; the message says where the frame was kept."""
