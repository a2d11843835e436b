"""The lineage diagram: nodes and edges with their labels' data."""

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
        role: cause of the failure, consequence, or empty.
        memory_bytes, spill_bytes: size of its frame; None if unknown.
        was_released: True if its frame was released after its last consumer.
        why: message of the root cause, for the step of the cause.
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
    """A frame between two steps, or their order.

    Attributes:
        place: storage of the frame, in words; ``order only`` if the consumer takes no frame.
        rows: received rows, or produced rows if none were received.
        lost: produced rows that were not received; None if unknown.
        is_failing: True on the path from the cause to its consequences.
    """

    producer: str
    consumer: str
    name: str
    place: str
    rows: int | None
    lost: int | None
    bytes: int | None
    is_failing: bool
    is_order: bool = False


@dataclass(frozen=True, slots=True)
class LineageDiagram:
    """The diagram of one run."""

    run: str
    pipeline: str | None
    status: RunStatus
    nodes: tuple[DiagramNode, ...]
    links: tuple[DiagramEdge, ...]

    def outgoing(self, step: str) -> tuple[DiagramEdge, ...]:
        """Return the frames that a step passes on, and the steps that only run after it."""
        return tuple(link for link in self.links if link.producer == step)


def build_diagram(report: Report) -> LineageDiagram:
    """Return the diagram of a report."""
    run = report.run
    roles = _roles(report)
    sizes = frame_sizes.frame_sizes(run)
    cause = report.root_cause
    nodes = tuple(
        DiagramNode(
            id=step.id,
            driver=step.driver,
            status=step.status,
            role=roles.get(step.id, ""),
            rows=step.rows_out,
            storage=step.storage,
            memory_bytes=sizes[step.id].memory or None,
            spill_bytes=sizes[step.id].spill or None,
            was_released=bool(run.events_named("frame_released", step=step.id)),
            is_writer=step.is_writer,
            why=cause.message if cause is not None and roles.get(step.id) == "cause" else "",
        )
        for step in run.steps
    )
    links = tuple(_link(edge, run, roles, sizes) for edge in report.lineage.all_edges)
    return LineageDiagram(run.id, run.pipeline, run.status, nodes, links)


def _roles(report: Report) -> dict[str, NodeRole]:
    """Return the step of the cause and its consequences."""
    cause = report.root_cause
    if cause is None or cause.step is None:
        return {}
    roles: dict[str, NodeRole] = {cause.step: "cause"}
    down = set(report.lineage.successors(cause.step))
    for step in report.run.steps:
        if step.id in down and step.status in ("failed", "skipped", "not_started"):
            roles.setdefault(step.id, "consequence")
    return roles


def _link(
    edge: Edge, run: Run, roles: Mapping[str, NodeRole], sizes: Mapping[str, FrameBytes]
) -> DiagramEdge:
    size = sizes[edge.producer]
    arrived = edge.location in ("memory", "spill")
    return DiagramEdge(
        producer=edge.producer,
        consumer=edge.consumer,
        name=edge.name,
        place=location_label(edge, run),
        rows=edge.rows_in if edge.rows_in is not None else edge.rows_out,
        lost=edge.lost_rows if arrived else None,
        bytes={"memory": size.memory or None, "spill": size.spill or None}.get(edge.location),
        is_failing=edge.producer in roles and roles.get(edge.consumer) == "consequence",
        is_order=edge.location == "order",
    )
