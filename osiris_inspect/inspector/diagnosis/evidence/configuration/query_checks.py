"""Mistakes that a worker found in the query of a step, with the rows of its inputs."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import as_int
from osiris_inspect.model.finding import Evidence


class QueryCheck(NamedTuple):
    """One mistake in the query of a step."""

    step: str
    facts: Mapping[str, Any]
    evidence: Evidence

    def text(self, name: str) -> str:
        """Return a fact as text; empty if it is missing."""
        return str(self.facts.get(name, ""))

    def count(self, name: str) -> int:
        """Return a fact as a number; 0 if it is missing."""
        return as_int(self.facts.get(name)) or 0

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a fact that is a list; empty if it is missing."""
        value = self.facts.get(name)
        return tuple(map(str, value)) if isinstance(value, list) else ()


def checks_named(run: Run, name: str) -> Iterator[QueryCheck]:
    """Yield the mistakes of one kind in the queries of the steps that succeeded."""
    for step, frame in run.successful_frames():
        for facts in frame.checks:
            if facts.get("check") == name:
                yield QueryCheck(step.id, facts, frame_evidence(frame, name))
