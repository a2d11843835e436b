import json
import re
import subprocess
from pathlib import Path
from shutil import which

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.lineage import LineageDiagram, build_diagram
from osiris_inspect.inspector.export.lineage import dot as as_dot
from osiris_inspect.inspector.export.lineage import json as as_json
from osiris_inspect.inspector.export.lineage import mermaid as as_mermaid
from osiris_inspect.inspector.export.lineage import text as as_text
from tests.inspector.generated import Case, Fault, make
from tests.inspector.making import failing_locally, local, run_dir

NOTHING = Fault("none", (), ())
BROKEN = Fault("disk", (), (), "disk")


def picture(
    folder: Path, fault: Fault = NOTHING, step: str = "", topology: str = "diamond", storage: str = "memory"
) -> LineageDiagram:
    return build_diagram(analyze(make(Case(fault, topology, storage, "none", step), folder)))


def test_each_frame_has_its_rows_bytes_and_place(tmp_path: Path) -> None:
    links = picture(tmp_path, storage="forced", topology="chain").links
    assert [(link.producer, link.consumer, link.rows, link.place, link.lost) for link in links] == [
        ("load", "clean", 14, "spill", 0),
        ("clean", "stats", 14, "spill", 0),
        ("stats", "save", 14, "spill", 0),
    ]
    assert all(link.bytes for link in links)


def test_the_failing_path_is_the_cause_and_what_it_took_down(tmp_path: Path) -> None:
    graph = picture(tmp_path, BROKEN, "left")
    assert {node.id: node.role for node in graph.nodes} == {
        "load": "", "left": "cause", "right": "", "both": "consequence", "save": "consequence",
    }  # fmt: skip
    failing = [(link.producer, link.consumer) for link in graph.links if link.is_failing]
    assert failing == [("left", "both"), ("both", "save")]


def test_frame_that_was_never_given_is_never_made_and_not_lost(tmp_path: Path) -> None:
    text = "\n".join(as_text.lines(picture(tmp_path, BROKEN, "left"), 100))
    assert "✗▶ both  never made" in text
    assert "not found" not in text


def test_lost_rows_are_told(tmp_path: Path) -> None:
    lines = [
        local("step_start", 1, step_id="a", driver="x.extractor"),
        local("rows_out", 2, step_id="a", value=20),
        local("step_complete", 3, step_id="a"),
        local("inputs_resolved", 4, step_id="b", from_step="a", key="df", rows=14, from_memory=True),
        local("step_start", 5, step_id="b", driver="x.writer"),
        local("step_complete", 6, step_id="b"),
        local("run_end", 7),
    ]
    text = "\n".join(as_text.lines(build_diagram(analyze(run_dir(tmp_path, lines))), 100))
    assert "└▶ b  14 rows, memory, 6 rows lost as df" in text


HOSTILE = [
    '"]; click n0 "javascript:alert(1)"',
    "end",
    "a\\",
    'x" shape="none',
    "<script>alert(1)</script>",
    "`{}|[]()#quot;",
    "\u202ea\x1b[31m",
    "- item",
    "**bold** @someone ](http://x)",
]


def hostile(tmp_path: Path, name: str) -> LineageDiagram:
    return build_diagram(
        analyze(run_dir(tmp_path, failing_locally("boom"), steps=[(name, "x.extractor", [])]))
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_step_gets_out_of_its_label_in_mermaid(tmp_path: Path, name: str) -> None:
    for line in as_mermaid.lines(hostile(tmp_path, name)):
        label = re.fullmatch(r'  n\d+\["([^"]*)"\](?::::\w+)?', line)
        assert label or '"' not in line, line
        if label:
            inside = label[1].replace("<br/>", "")
            assert not set("<>\"'`[]{}|\\&@*") & set(re.sub(r"#\d+;", "", inside)), line


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_of_a_step_gets_out_of_its_string_in_dot(tmp_path: Path, name: str) -> None:
    for line in as_dot.lines(hostile(tmp_path, name)):
        assert len(re.findall(r'(?<!\\)(?:\\\\)*"', line)) % 2 == 0, line
    if which("dot"):
        source = "\n".join(as_dot.lines(hostile(tmp_path, name)))
        subprocess.run(["dot", "-Tsvg"], input=source.encode(), check=True, capture_output=True)


def test_mermaid_marks_the_failing_links_by_their_place(tmp_path: Path) -> None:
    graph = picture(tmp_path, BROKEN, "left")
    lines = list(as_mermaid.lines(graph))
    (style,) = [line for line in lines if "linkStyle" in line]
    drawn = [line for line in lines if "->" in line]
    numbers = [int(number) for number in re.findall(r"\d+(?=[, ])", style)]
    assert [("-.->" in line) for line in drawn] == [number in numbers for number in range(len(drawn))]


def test_json_says_the_same_as_the_picture(tmp_path: Path) -> None:
    graph = picture(tmp_path, BROKEN, "left")
    told = json.loads("\n".join(as_json.lines(graph)))
    assert [step["id"] for step in told["steps"]] == [node.id for node in graph.nodes]
    assert [frame["is_failing"] for frame in told["frames"]] == [link.is_failing for link in graph.links]


def test_text_keeps_to_the_width_without_cutting(tmp_path: Path) -> None:
    lines = list(as_text.lines(picture(tmp_path, BROKEN, "left"), 50))
    assert max(map(len, lines)) <= 50
    assert "…" not in "".join(lines)
