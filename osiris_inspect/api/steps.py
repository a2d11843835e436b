"""Steps of a run, what was found about them, and how they hang together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from osiris_inspect.api.exceptions import StepNotFound
from osiris_inspect.api.frames import Frame, InputFrames
from osiris_inspect.api.tables import PRE, Table
from osiris_inspect.inspector.text.sanitize import multi_line, one_line

if TYPE_CHECKING:
    import pandas as pd

    from osiris_inspect.api.runs import Run
    from osiris_inspect.inspector.run.lineage import Edge
    from osiris_inspect.inspector.run.report import Report
    from osiris_inspect.inspector.run.run import StepState
    from osiris_inspect.inspector.why.step_explanation import StepExplanation
    from osiris_inspect.model.finding import Evidence
    from osiris_inspect.model.finding import Finding as ModelFinding


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a rule.

    Attributes:
        rule: the rule's id; ``osiris-inspect explain RULE`` prints its manual.
        severity: ``error``, ``warning`` or ``note``.
        confidence: ``high`` (the log states it), ``medium`` or ``low``.
        step: the step's id, None for the whole run.
        message: what happened.
        fix: what to do, None if the rule has no advice.
        evidence: the lines that prove it: file, line counted from 1, quote.
        caused_by: the id of the finding that explains this one, None for a cause.
    """

    rule: str
    severity: str
    confidence: str
    step: str | None
    message: str
    fix: str | None
    evidence: "tuple[Evidence, ...]"
    caused_by: str | None = None

    def __repr__(self) -> str:
        where = f" {self.step!r}" if self.step else ""
        return f"<{self.severity} {self.rule} ({self.confidence}){where}: {self.message}>"

    def _repr_html_(self) -> str:
        proof = "".join(
            f"<li><code>{escape(str(piece))}</code> {escape(piece.quote)}</li>" for piece in self.evidence
        )
        where = f"{escape(one_line(self.step))}: " if self.step else ""
        fix = f"<p><b>Fix</b>: {escape(self.fix)}</p>" if self.fix else ""
        return (
            f"<p><b>{escape(self.severity)}</b> {where}{escape(self.message)} "
            f"({escape(self.rule)}, {escape(self.confidence)})</p>{fix}<ul>{proof}</ul>"
        )


class Step:
    """A step as the run left it. Attributes of the step state (``status``, ``rows_out``, …) are its own."""

    def __init__(self, run: "Run", state: "StepState") -> None:
        self._run, self.state = run, state

    @property
    def id(self) -> str:
        """The step's id."""
        return self.state.id

    @property
    def driver(self) -> str | None:
        """The component that ran it; None if unknown."""
        return self.state.driver

    @property
    def status(self) -> str:
        """``succeeded``, ``failed``, ``interrupted``, ``skipped``, ``running`` or ``not_started``."""
        return self.state.status

    @property
    def rows_in(self) -> int | None:
        """The sum of the rows of its inputs; None if the log does not tell."""
        return self.state.rows_in

    @property
    def rows_out(self) -> int | None:
        """The rows it produced, or wrote; None if the log does not tell."""
        return self.state.rows_out

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end; None if the log does not tell."""
        return self.state.duration_s

    @property
    def storage(self) -> str:
        """The storage of its frame: ``memory``, ``spill``, ``none`` or ``unknown``."""
        return self.state.storage

    @property
    def error(self) -> str | None:
        """The error message of a failed step, secrets masked; None for others."""
        return "\n".join(multi_line(self.state.failure.message)) if self.state.failure else None

    @cached_property
    def inputs(self) -> InputFrames:
        """The frames that the step takes, by name: ``inputs["df"].to_pandas()``."""
        return InputFrames(self._run, self.state, self._run._input_references(self.state))

    def frame(self) -> Frame:
        """Return the spilled frame of the step; errors are those of ``Run.frame``."""
        return self._run.frame(self.id)

    def why(self) -> "Explanation":
        """Explain the step; see ``Run.why``."""
        return self._run.why(self.id)

    def __repr__(self) -> str:
        rows = "" if self.rows_out is None else f", {self.rows_out:,} rows"
        storage = {"memory": " in memory", "spill": " on disk"}.get(self.storage, "") if rows else ""
        return f"<step {one_line(self.id)!r}: {self.status}{rows}{storage}>"

    def _repr_html_(self) -> str:
        error = f"{PRE}{escape(self.error)}</pre>" if self.error else ""
        return f"<p>{escape(repr(self)[1:-1])}</p>{error}"


class StepMap(Mapping[str, Step]):
    """The steps of a run by id, in the order of the manifest."""

    def __init__(self, run: "Run", report: "Report") -> None:
        self._report = report
        self._steps = {state.id: Step(run, state) for state in report.run.steps}

    def __getitem__(self, step_id: str) -> Step:
        if step_id not in self._steps:
            ids = ", ".join(map(repr, map(one_line, self._steps))) or "no steps"
            raise StepNotFound(f"no step {step_id!r}; the run has {ids}")
        return self._steps[step_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row a step."""
        return Table("steps", self._report.run.steps, self._report).to_pandas()

    def __repr__(self) -> str:
        return f"<steps: {', '.join(f'{one_line(step.id)} {step.status}' for step in self.values())}>"

    def _repr_html_(self) -> str:
        return Table("steps", self._report.run.steps, self._report)._repr_html_()


class Lineage:
    """Steps as nodes, frames as edges, with the rows and the location of each frame."""

    def __init__(self, report: "Report") -> None:
        self._report = report

    @property
    def edges(self) -> "tuple[Edge, ...]":
        """The frames: producer, consumer, input name, location, rows out and in."""
        return self._report.lineage.edges

    @property
    def orders(self) -> "tuple[Edge, ...]":
        """The pairs of steps of which the consumer runs after the producer without its frame."""
        return self._report.lineage.orders

    def upstream(self, step: str) -> tuple[str, ...]:
        """Return the ids of all steps that ``step`` depends on, nearest first."""
        return self._report.lineage.predecessors(step)

    def downstream(self, step: str) -> tuple[str, ...]:
        """Return the ids of all steps that depend on ``step``, nearest first."""
        return self._report.lineage.successors(step)

    def to_text(self, format: Literal["text", "mermaid", "dot", "json"] = "text") -> str:  # noqa: A002
        """Return the graph in a format of ``osiris-inspect lineage``."""
        from importlib import import_module

        from osiris_inspect.inspector.export.lineage import build_diagram

        module = import_module(f"osiris_inspect.inspector.export.lineage.{format}")
        width = (100,) if format == "text" else ()
        return "\n".join(module.lines(build_diagram(self._report), *width)) + "\n"

    def __repr__(self) -> str:
        return f"<lineage: {len(self._report.lineage.steps)} steps, {len(self.edges)} frames>"

    def _repr_html_(self) -> str:
        return f"{PRE}{escape(self.to_text())}</pre>"


class Explanation:
    """Why a step got what it got, or did what it did: the path of its inputs through memory and disk."""

    def __init__(self, explanation: "StepExplanation") -> None:
        self._explanation = explanation

    def to_dict(self) -> dict[str, Any]:
        """Return the document of ``osiris-inspect why --format json``."""
        from osiris_inspect.inspector.why.json import document

        return document(self._explanation)

    def __str__(self) -> str:
        from osiris_inspect.inspector.why.text import lines

        return "\n".join(lines(self._explanation))

    def __repr__(self) -> str:
        return f"<why {one_line(str(self.to_dict()['step']))!r}: {len(str(self).splitlines())} lines>"

    def _repr_html_(self) -> str:
        return f"{PRE}{escape(str(self))}</pre>"


def to_finding(finding: "ModelFinding") -> Finding:
    """Return a finding of the API, whose texts are safe to show."""
    return Finding(
        rule=finding.rule,
        severity=str(finding.severity),
        confidence=str(finding.confidence),
        step=finding.step,
        message=one_line(finding.message),
        fix=None if finding.fix is None else one_line(finding.fix),
        evidence=tuple(piece._replace(quote=one_line(piece.quote)) for piece in finding.evidence),
        caused_by=finding.caused_by,
    )
