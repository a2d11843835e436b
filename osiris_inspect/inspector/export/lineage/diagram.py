"""What is drawn: nodes and links with everything a run tells of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from osiris_inspect.inspector.run import frame_sizes
from osiris_inspect.inspector.run.frame_sizes import FrameBytes
from osiris_inspect.inspector.run.lineage import Edge
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.run.summary import location_label
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_types import FrameLocation, RunStatus

NodeRole = Literal["cause", "consequence", ""]


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """A step.

    Attributes:
        part: whether it is the cause of the failure or was taken down by it.
        memory_bytes, spill_bytes: of its frame; None where not told.
        released: whether its frame was let go of after its last consumer.
        why: what the finding says that makes it the cause; empty for others.
    """

    id: str
    driver: str | None
    status: StepStatus
    role: NodeRole
    rows: int | None
    storage: FrameLocation
    memory_bytes: int | None
    spill_bytes: int | None
    was_released: bool
    is_writer: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class DiagramEdge:
    """A frame on its way.

    Attributes:
        place: where it was found, in words.
        rows: the rows that arrived; where nothing arrived the rows that were given.
        lost: rows that were given and did not arrive; None where one end is not known, or nothing was to arrive.
        is_failing: whether it lies on the way from the cause to what it took down.
    """

    producer: str
    consumer: str
    name: str
    place: str
    rows: int | None
    lost: int | None
    bytes: int | None
    is_failing: bool


@dataclass(frozen=True, slots=True)
class LineageDiagram:
    """The picture of one run."""

    run: str
    pipeline: str | None
    status: RunStatus
    nodes: tuple[DiagramNode, ...]
    links: tuple[DiagramEdge, ...]

    def outgoing(self, step: str) -> tuple[DiagramEdge, ...]:
        """The frames that leave a step."""
        return tuple(link for link in self.links if link.producer == step)


def build_diagram(report: Report) -> LineageDiagram:
    """The picture of a report."""
    run = report.run
    parts = _parts(report)
    sizes = frame_sizes.frame_sizes(run)
    cause = report.root_cause
    nodes = tuple(
        DiagramNode(
            id=step.id,
            driver=step.driver,
            status=step.status,
            role=parts.get(step.id, ""),
            rows=step.rows_out,
            storage=step.storage,
            memory_bytes=sizes[step.id].memory or None,
            spill_bytes=sizes[step.id].spill or None,
            was_released=bool(run.events_named("frame_released", step=step.id)),
            is_writer=step.is_writer,
            why=cause.message if cause is not None and parts.get(step.id) == "cause" else "",
        )
        for step in run.steps
    )
    links = tuple(_link(edge, run, parts, sizes) for edge in report.lineage.edges)
    return LineageDiagram(run.id, run.pipeline, run.status, nodes, links)


def _parts(report: Report) -> dict[str, NodeRole]:
    """The cause and what it took down."""
    cause = report.root_cause
    if cause is None or cause.step is None:
        return {}
    parts: dict[str, NodeRole] = {cause.step: "cause"}
    down = set(report.lineage.downstream(cause.step))
    for step in report.run.steps:
        if step.id in down and step.status in ("failed", "skipped", "not_started"):
            parts.setdefault(step.id, "consequence")
    return parts


def _link(
    edge: Edge, run: Run, parts: Mapping[str, NodeRole], sizes: Mapping[str, FrameBytes]
) -> DiagramEdge:
    size = sizes[edge.producer]
    arrived = edge.location != "unresolved"
    return DiagramEdge(
        producer=edge.producer,
        consumer=edge.consumer,
        name=edge.name,
        place=location_label(edge, run),
        rows=edge.rows_in if edge.rows_in is not None else edge.rows_out,
        lost=edge.lost_rows if arrived else None,
        bytes={"memory": size.memory or None, "spill": size.spill or None}.get(edge.location),
        is_failing=edge.producer in parts and parts.get(edge.consumer) == "consequence",
    )
