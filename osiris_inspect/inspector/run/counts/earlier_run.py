"""Figures of an earlier run of the same pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris_inspect.inspector.run.counts.frame_facts import FrameFacts

Server = Mapping[str, str]
"""The server of a connection: ``host``, ``port`` and ``database``, as far as they are recorded."""


@dataclass(frozen=True, slots=True)
class RunInputs:
    """Everything that determines a run beside its data.

    Attributes:
        text: a hash of the pipeline's text; None if unknown.
        parameters: the parameters of the command line and of the environment, as JSON; None if unknown.
        profile: None if there is none, or if it is unknown.
        servers: the server of each writer with a connection, by step.
    """

    text: str | None = None
    parameters: str | None = None
    profile: str | None = None
    servers: Mapping[str, Server] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The figures of an earlier run.

    Attributes:
        started: seconds since 1970.
        rows: rows that each step returned.
        seconds: the sum of the steps' durations; None if unknown.
        frames: the counts of the frames by step; empty if not read.
        configs: the configurations by step, secrets masked.
        completed: the steps that succeeded before the run failed or was interrupted; None if the run succeeded.
        written: rows that a writer had written before it failed, by step; without those that had written none.
    """

    id: str
    started: float
    rows: Mapping[str, int]
    seconds: float | None
    frames: Mapping[str, FrameFacts]
    configs: Mapping[str, Mapping[str, Any]]
    inputs: RunInputs = field(default_factory=RunInputs)
    completed: frozenset[str] | None = None
    written: Mapping[str, int] = field(default_factory=dict)
