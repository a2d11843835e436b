from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from osiris_inspect.inspector.run.lineage import Edge, Lineage
from osiris_inspect.inspector.run.run import StepState
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.tui.drawing import lineage as drawing
from tests.tui import made


def text(drawn: drawing.LineageDrawing) -> str:
    return "\n".join(line.plain for line in drawn.lines)


def chain(length: int) -> Lineage:
    steps = [replace(made.EXTRACT, id=f"step-{number}") for number in range(length)]
    edges = [Edge(one.id, two.id, "df", "memory", 14, 14) for one, two in pairwise(steps)]
    return Lineage(tuple(steps), tuple(edges))


@pytest.mark.parametrize(
    ("edge", "status", "label"),
    [
        (Edge("a", "b", "df", "memory", 14, 14), "succeeded", "M 14 rows"),
        (Edge("a", "b", "df", "memory", 14, None), "succeeded", "M 14 rows"),
        (Edge("a", "b", "df", "memory"), "succeeded", "M"),
        (Edge("a", "b", "df", "spill", 1, 1), "succeeded", "S 1 row"),
        (Edge("a", "b", "df", "spill", 14, 12), "succeeded", "S 14 → 12 rows"),
        (Edge("a", "b", "df", "memory", 0, 0), "succeeded", "M 0 rows"),
        (Edge("a", "b", "df", "unresolved", 14), "failed", "✗ missing"),
        (Edge("a", "b", "df", "unresolved", 14), "skipped", "· not read"),
        (Edge("a", "b", "df", "unresolved", 14), "succeeded", "? unknown"),
    ],
)
def test_an_edge_is_labelled(edge: Edge, status: StepStatus, label: str) -> None:
    assert drawing.edge_label(edge, StepState("b", None, status)) == label


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_every_step_is_drawn_once_within_the_width(length: int, width: int) -> None:
    drawn = drawing.draw(chain(length), width)
    shown = text(drawn)
    assert [shown.count(f"step-{number}") for number in range(length)] == [1] * length
    assert max(Content(line).cell_length for line in shown.split("\n")) <= width


def test_where_boxes_do_not_fit_rails_are_drawn() -> None:
    assert drawing.draw(chain(3), 120).boxed
    assert not drawing.draw(chain(3), 79).boxed
    assert not drawing.draw(chain(drawing.MAX_BOXES + 1), 10_000).boxed


def test_a_circle_is_drawn_as_rails_that_name_the_other_end() -> None:
    steps = (replace(made.EXTRACT, id="hen"), replace(made.COMPUTE, id="egg"))
    lineage = Lineage(steps, (Edge("hen", "egg", "df", "memory"), Edge("egg", "hen", "df", "memory")))
    drawn = drawing.draw(lineage, 200)
    assert not drawn.boxed
    assert "from egg" in text(drawn)


def test_a_run_without_steps_is_an_empty_drawing() -> None:
    assert not drawing.draw(Lineage((), ()), 80).lines


def test_two_lines_that_cross_do_not_join_their_labels() -> None:
    shown = text(drawing.draw(made.diamond().lineage, 120))
    assert shown.count("▶") == 5
    for label in ("M 14 rows", "M 14 → 12 rows", "S 3 rows", "M 3 rows"):
        assert label in shown


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    count = draw(st.integers(1, 7))
    steps = tuple(replace(made.EXTRACT, id=f"s{number}") for number in range(count))
    pairs = [(one, two) for one in range(count) for two in range(one + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=10)) if pairs else []
    edges = [
        Edge(f"s{one}", f"s{two}", f"df{number}", "spill", 5, 5) for number, (one, two) in enumerate(chosen)
    ]
    return Lineage(steps, tuple(edges))


@given(lineages())
def test_every_edge_of_any_graph_ends_in_one_arrow_with_its_label(lineage: Lineage) -> None:
    drawn = drawing.draw(lineage, 10_000)
    assert drawn.boxed
    assert text(drawn).count("▶") == len(lineage.edges)
    assert text(drawn).count(" S 5 rows ") == len(lineage.edges)
    assert all(text(drawn).count(step.id) == 1 for step in lineage.steps)
