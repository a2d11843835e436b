"""The pictures: valid SVG, nothing overlaps or leaves its box, bounded, escaped, masked, readable in light and dark."""

import re
from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from osiris_inspect.inspector.export.lineage import build_diagram
from osiris_inspect.inspector.export.lineage.diagram import DiagramEdge, DiagramNode, LineageDiagram
from osiris_inspect.inspector.export.pictures import svg
from osiris_inspect.inspector.export.pictures.lineage import MAX_INPUTS, lineage_picture
from osiris_inspect.inspector.export.pictures.style import DARK, LIGHT
from osiris_inspect.inspector.export.pictures.timeline import timeline_picture
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.display_width import cut_to_width, display_width
from osiris_inspect.model.event import Event
from tests.inspector.export.accept import told
from tests.samples import runs

STORIES = {run.parent.name: run for run in runs()}
SVG = "{http://www.w3.org/2000/svg}"


def node(name: str, status: str = "succeeded", **fields: object) -> DiagramNode:
    values = {"role": "", "rows": 3, "storage": "memory", "memory_bytes": 64, "spill_bytes": None}
    other = {"was_released": False, "is_writer": False, "driver": "x.y"}
    return DiagramNode(id=name, status=status, **{**values, **other, **fields})  # type: ignore[arg-type]


def link(producer: str, consumer: str, place: str = "memory") -> DiagramEdge:
    return DiagramEdge(producer, consumer, "df", place, 3, 0, 64, is_failing=False)


def diagram(nodes: Sequence[DiagramNode], links: Sequence[DiagramEdge] = ()) -> LineageDiagram:
    return LineageDiagram("run_1", "demo", "failed", tuple(nodes), tuple(links))


def drawn(graph: LineageDiagram) -> Element:
    return fromstring(svg.document(lineage_picture(graph)))


def chart(*steps: StepState, events: tuple[Event, ...] = ()) -> str:
    run = Run(Path("run_1"), "run_1", "failed", True, "native", started=100.0, steps=steps, events=events)
    return svg.document(timeline_picture(run))


def number(element: Element, name: str) -> float:
    return float(element.get(name, "0"))


def boxes(picture: Element) -> dict[str, tuple[float, float, float, float]]:
    """Each step with left, top, right and bottom of its box."""
    found = {}
    for group in picture.iter(f"{SVG}g"):
        title, box = group.find(f"{SVG}title"), group.find(f"{SVG}rect")
        if title is not None and box is not None:
            x, y, wide, high = (number(box, name) for name in ("x", "y", "width", "height"))
            found[str(title.text)] = (x, y, x + wide, y + high)
    return found


def texts(picture: Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


FAN_OUT = diagram(
    [node("source"), *(node(f"part-{n}") for n in range(12)), node("all")],
    [pair for n in range(12) for pair in (link("source", f"part-{n}"), link(f"part-{n}", "all", "spill"))],
)
FORTY = diagram(
    [node(f"step-{n}", "failed" if n == 25 else "succeeded") for n in range(40)],
    [link(f"step-{n - by}", f"step-{n}") for n in range(7, 40) for by in (1, 3, 7) if n % by == 0],
)
CHAIN = diagram([node(f"s{n}") for n in range(40)], [link(f"s{a}", f"s{b}") for a, b in pairwise(range(40))])
GRAPHS = {
    **{story: build_diagram(told(run)) for story, run in STORIES.items()},
    "fan-out": FAN_OUT,
    "forty": FORTY,
    "chain": CHAIN,
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_boxes_do_not_overlap_and_contain_their_text(graph: LineageDiagram) -> None:
    picture = drawn(graph)
    places = boxes(picture)
    assert list(places) == [step.id for step in graph.nodes]
    for (_, one), (_, other) in combinations(places.items(), 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    for group in picture.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        for text in group.findall(f"{SVG}text") if title is not None else []:
            left, top, right, bottom = places[str(title.text)]
            begin = number(text, "x") - number(text, "textLength") * (text.get("text-anchor") == "end")
            assert left < begin
            assert begin + number(text, "textLength") < right
            assert top < number(text, "y") < bottom
    assert max(right for _, _, right, _ in places.values()) <= number(picture, "width")
    assert max(bottom for *_, bottom in places.values()) <= number(picture, "height")


@pytest.mark.parametrize("story", STORIES)
def test_timeline_stays_within_its_frame(story: str) -> None:
    picture = fromstring(svg.document(timeline_picture(told(STORIES[story]).run)))
    wide = number(picture, "width")
    for text in picture.iter(f"{SVG}text"):
        length = number(text, "textLength")
        begin = number(text, "x") - {"end": length, "middle": length / 2}.get(text.get("text-anchor", ""), 0)
        assert begin >= 0
        assert begin + length <= wide


def test_layers_run_down_if_they_do_not_fit_a_page() -> None:
    assert number(drawn(FAN_OUT), "width") <= 1100
    assert number(drawn(CHAIN), "width") <= 500
    tops = [top for _, top, _, _ in boxes(drawn(CHAIN)).values()]
    assert tops == sorted(tops)


@pytest.mark.parametrize(
    "edges",
    [
        [("a", "b")],
        [("a", "b"), ("b", "c"), ("a", "c")],
        [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")],
        [("c", "b"), ("b", "a")],
    ],
)
def test_step_is_right_of_its_producers(edges: list[tuple[str, str]]) -> None:
    names = sorted({name for edge in edges for name in edge})
    places = boxes(drawn(diagram([node(name) for name in names], [link(*edge) for edge in edges])))
    assert all(places[one][2] < places[other][0] for one, other in edges)


@pytest.mark.parametrize(
    "edges", [[("a", "a")], [("a", "b"), ("b", "a")], [("a", "b"), ("b", "c"), ("c", "a"), ("x", "a")]]
)
def test_circle_is_drawn_and_named(edges: list[tuple[str, str]]) -> None:
    names = sorted({name for edge in edges for name in edge})
    picture = drawn(diagram([node(name) for name in names], [link(*edge) for edge in edges]))
    assert list(boxes(picture)) == names
    assert any(text.endswith("not drawn; each box lists its inputs") for text in texts(picture))


def test_edge_shows_location_rows_and_bytes() -> None:
    picture = drawn(
        diagram(
            [node(n) for n in "abc"], [link("a", "b"), link("b", "c", "spill"), link("a", "c", "not found")]
        )
    )
    lines = [element.get("class") for element in picture.iter(f"{SVG}path")]
    assert {"edge memory", "edge spill", "edge bad"} <= set(lines)
    assert {"3 rows, memory, 64 B", "3 rows, spill, 64 B", "3 rows, not found, 64 B"} <= set(texts(picture))
    assert {"in memory", "spilled to disk"} <= set(texts(picture))


def test_failed_and_skipped_steps_are_marked() -> None:
    picture = drawn(GRAPHS["partly_skipped"])
    kinds = [box.get("class") for box in picture.iter(f"{SVG}rect") if box.get("class") != "back"]
    assert kinds == ["node succeeded", "node cause", "node skipped", "node succeeded", "node succeeded"]
    words = texts(picture)
    assert "failed; this is the cause" in words
    assert "did not run because of the cause" in words


def test_more_inputs_than_fit_are_counted() -> None:
    many = [node(f"p{n}") for n in range(MAX_INPUTS + 5)]
    picture = drawn(diagram([*many, node("all")], [link(one.id, "all") for one in many]))
    assert "5 more inputs" in texts(picture)


def test_ten_thousand_steps_are_a_bounded_picture_around_the_failure() -> None:
    nodes = [node(f"step-{n}", "failed" if n == 7_000 else "succeeded") for n in range(10_000)]
    links = [link(f"step-{n // 2}", f"step-{n}") for n in range(1, 10_000)]
    document = svg.document(lineage_picture(diagram(nodes, links)))
    places = boxes(fromstring(document))
    assert len(places) == svg.MAX_STEPS
    assert {"step-7000", "step-3500", "step-1750"} <= set(places)
    assert "120 of 10,000 steps are drawn" in texts(fromstring(document))
    assert len(document) < 200_000


def test_dense_graph_is_a_bounded_picture() -> None:
    names = [f"s{n}" for n in range(svg.MAX_STEPS)]
    links = [link(one, other) for one, other in combinations(names, 2)]
    document = svg.document(lineage_picture(diagram([node(name) for name in names], links)))
    assert len(document) < 500_000
    assert any(
        text.endswith("lines not drawn; each box lists its inputs") for text in texts(fromstring(document))
    )


def test_timeline_of_ten_thousand_steps_has_the_failed_and_the_longest() -> None:
    steps = [
        StepState(
            f"s{n}", "x", "failed" if n == 7 else "succeeded", started=100.0 + n, ended=101.0 + n + n / 1e4
        )
        for n in range(10_000)
    ]
    stored = tuple(
        Event("output_stored", 100.0 + n, f"s{n}", {"memory_bytes": n, "spill_bytes": 0})
        for n in range(10_000)
    )
    document = chart(*steps, events=stored)
    words = texts(fromstring(document))
    assert {"s7", "s9999"} <= set(words)
    assert "s8" not in words
    assert "120 of 10,000 steps are drawn: those that failed, and the longest" in words
    assert len(document) < 200_000


def test_timeline_without_times_names_each_state() -> None:
    words = texts(fromstring(chart(StepState("a", "x", "skipped"), StepState("b", "x", "not_started"))))
    assert {"skipped", "not started"} <= set(words)


def test_timeline_draws_phases_in_proportion() -> None:
    spill = Event("spill_write", 103.0, "b", {"ms": 1000, "bytes": 10})
    steps = (
        StepState("a", "x", "succeeded", started=100.0, ended=101.0),
        StepState("b", "x", "succeeded", needs=("a",), started=102.0, ended=104.0),
    )
    picture = fromstring(chart(*steps, events=(spill,)))
    bars = [(box.get("class"), number(box, "width")) for box in picture.iter(f"{SVG}rect") if box.get("y")]
    drawn_bars = [(kind, width) for kind, width in bars if width != 18]  # the legend has boxes of 18 pixels
    assert drawn_bars == [
        ("working succeeded", 160),
        ("waiting", 160),
        ("working succeeded", 160),
        ("spilling", 160),
    ]


HOSTILE = {
    "markup": "</title></text><script>alert(1)</script>",
    "entity": "&lt;b&gt; &#x1b; ]]> <!--",
    "controls": "a\x00\x1b[31mb\x07\r\nc\x85",
    "not in XML": "a\ufffe\uffff\ud800b",
    "directions": "a\u202eb\u2066c",
    "attribute": "\" onload='x' style=\"",
    "long": "extract-" * 400,
    "wide": "映画" * 200,
    "template": "{bad} %s ${x}",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_text_only(name: str) -> None:
    graph = LineageDiagram(
        "run_1", name, "failed", (node(name, driver=name, why=name), node("b")), (link(name, "b"),)
    )
    steps = (StepState(name, name, "failed", started=100.0, ended=101.0),)
    for document in (svg.document(lineage_picture(graph)), chart(*steps)):
        picture = fromstring(document)
        known = {"svg", "title", "desc", "style", "rect", "text", "g", "path"}
        assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= known
        assert not any(
            key.startswith("on") or key == "style" for element in picture.iter() for key in element.attrib
        )
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066]", document)
        assert len(document) < 20_000


def test_long_names_are_cut_by_display_width() -> None:
    for name in (HOSTILE["long"], HOSTILE["wide"]):
        (shown,) = {text for text in texts(drawn(diagram([node(name)]))) if text.startswith("✓ ")}
        assert shown.endswith("…")
        assert 36 <= display_width(shown) <= 38


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("映画館", 5, "映画…"), ("映画館", 6, "映画館"), ("ábc", 3, "ábc"), ("a b", 2, "a…")],
)  # fmt: skip
def test_text_is_cut_to_cells(text: str, width: int, cut: str) -> None:
    assert cut_to_width(text, width) == cut


def test_secrets_are_masked() -> None:
    secret = "postgres://u:hunter2Geheim99@db/x"
    graph = LineageDiagram(
        secret, secret, "failed", (node(secret, driver=secret, why=secret), node("b")), (link(secret, "b"),)
    )
    document = svg.document(lineage_picture(graph)) + chart(
        StepState(secret, "x", "failed", started=100.0, ended=101.0)
    )
    assert "hunter2" not in document
    assert "***" in document


@pytest.mark.parametrize("story", STORIES)
def test_pictures_are_deterministic_and_described(story: str) -> None:
    report = told(STORIES[story])
    for make in (lambda: lineage_picture(build_diagram(report)), lambda: timeline_picture(report.run)):
        document = svg.document(make())
        assert document == svg.document(make())
        picture = fromstring(document)
        title, description = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
        assert title is not None
        assert description is not None
        assert picture.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert all(step.id in str(description.text) for step in report.run.steps)


def luminance(color: str) -> float:
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_has_contrast_in_light_and_dark(colors: dict[str, str]) -> None:
    for back in ("back", "soft", "cause"):
        for text in ("text", "faint", "good", "bad", "warn", "memory", "spill"):
            low, high = sorted((luminance(colors[back]), luminance(colors[text])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, (text, back)


@pytest.mark.parametrize(("name", "is_of_package"), [("extract", True), ("фильм", True), ("映画", False)])
def test_png_uses_fonts_of_the_machine_for_other_letters_only(
    monkeypatch: pytest.MonkeyPatch, name: str, *, is_of_package: bool
) -> None:
    resvg_py = pytest.importorskip("resvg_py", reason="the extra 'pictures' is not installed")
    from osiris_inspect.inspector.export.pictures.png import png

    options: dict[str, object] = {}
    real = resvg_py.svg_to_bytes

    def recorded(document: str, **words: object) -> bytes:
        options.update(words)
        return bytes(real(document, **words))

    monkeypatch.setattr(resvg_py, "svg_to_bytes", recorded)
    document = svg.document(lineage_picture(diagram([node(name)])))
    image = png(document)
    assert image == png(document)
    assert options["skip_system_fonts"] is is_of_package
    width, height = (int.from_bytes(image[start : start + 4], "big") for start in (16, 20))
    picture = fromstring(document)
    assert (width, height) == (2 * number(picture, "width"), 2 * number(picture, "height"))


@pytest.mark.parametrize("letters", ["abc", "Žluťoučký", "Ωμέγα", "фильм", "✓✗⊘◆→…·“€"])
def test_png_draws_letters_without_fonts_of_the_machine(letters: str) -> None:
    pytest.importorskip("resvg_py", reason="the extra 'pictures' is not installed")
    from osiris_inspect.inspector.export.pictures import png

    assert not png._OTHER_LETTERS.search(letters)
    drawn = [png.png(svg.document(lineage_picture(diagram([node(f"a{letter}a")])))) for letter in letters]
    assert len(set(drawn)) == len(set(letters))  # a missing letter is drawn as nothing or as one box


def test_png_of_a_large_picture_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py", reason="the extra 'pictures' is not installed")
    from osiris_inspect.inspector.export.pictures import png

    monkeypatch.setattr(png, "MAX_PIXELS", 50_000)
    image = png.png(svg.document(lineage_picture(GRAPHS["partly_skipped"])))
    width, height = (int.from_bytes(image[start : start + 4], "big") for start in (16, 20))
    assert 45_000 < width * height < 55_000
