"""Selection of a part of a pipeline, and what a run of that part records."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.formats.text import render
from osiris_inspect.model.errors import SettingsError
from osiris_inspect.model.manifest import Manifest, Step
from osiris_inspect.runtime.planning.selection import Selectors, restrict, select_steps
from osiris_inspect.runtime.proxy.proxy import run
from tests.runtime.faulty import COMPONENTS
from tests.runtime.pipelines import compiled
from tests.runtime.runs import NAMES, TRANSPORTS, events_of, make_run, order

CHAIN = Manifest(
    "chain",
    (
        Step("a", "d", "", tags=("source",)),
        Step("b", "d", "", needs=("a",)),
        Step("load-c", "d", "", needs=("b",), tags=("out",)),
        Step("x", "d", "", after=("load-c",), tags=("source",)),
        Step("load-y", "d", "", needs=("x",), tags=("out",)),
    ),
)
"""a → b → load-c, then x, which takes nothing of it, then load-y."""

ORDER = """
oml_version: "0.1.0"
name: order
steps:
  - id: reads
    component: filesystem.csv_extractor
    after: [writes]
    config: {path: between.csv}
  - id: extract
    component: filesystem.csv_extractor
    config: {path: movies.csv}
  - id: writes
    component: filesystem.csv_writer
    needs: [extract]
    config: {path: between.csv}
"""


def _running(**selectors: str) -> list[str]:
    return list(select_steps(CHAIN, Selectors(**{key: (text,) for key, text in selectors.items()})).running)


@pytest.mark.parametrize(
    ("selectors", "running"),
    [
        ({}, "a b load-c x load-y"),
        ({"only": "a"}, "a"),
        ({"only": "b"}, "a b"),
        ({"only": "a+"}, "a b load-c x load-y"),
        ({"only": "a+1"}, "a b"),
        ({"only": "+x"}, "a b load-c x"),
        ({"only": "1+x"}, "a b load-c x"),
        ({"only": "1+x", "exclude": "load-c"}, "x"),
        ({"only": "x"}, "x"),
        ({"only": "1+load-c+1"}, "a b load-c x"),
        ({"only": "tag:source"}, "a x"),
        ({"only": "tag:source+1"}, "a b x load-y"),
        ({"only": "load-*"}, "a b load-c x load-y"),
        ({"only": "?, x"}, "a b x"),
        ({"exclude": "x+"}, "a b load-c"),
        ({"exclude": "tag:out"}, "a b x"),
        ({"start": "x"}, "x load-y"),
        ({"end": "b"}, "a b"),
        ({"start": "b", "end": "load-c"}, "a b load-c"),
        ({"only": "load-*", "start": "x"}, "x load-y"),
    ],
)
def test_selectors_select_steps(selectors: dict[str, str], running: str) -> None:
    assert _running(**selectors) == running.split()


def test_every_step_has_a_reason() -> None:
    selection = select_steps(CHAIN, Selectors(only=("load-c,x",), exclude=("x",)))
    assert selection.running == {
        "a": "b needs it",
        "b": "load-c needs it",
        "load-c": "--only load-c",
    }
    assert selection.left_out == {"x": "--exclude x", "load-y": "not in --only load-c,x"}


@pytest.mark.parametrize(
    ("selectors", "words"),
    [
        (
            {"only": ("lode-c",)},
            "--only: no step is named 'lode-c'; did you mean 'load-c'?; the steps are a, b",
        ),
        ({"exclude": ("tag:soruce",)}, "--exclude: no step has the tag 'soruce'; did you mean 'source'?"),
        ({"start": ("z*",)}, "--from: no step matches 'z*'; the steps are a, b, load-c, x, load-y"),
        ({"end": ("a++b",)}, "invalid --to: 'a++b'; write a step id, +id, id+"),
        ({"only": ("a,",)}, "--only has an empty name"),
        ({"only": ("",)}, "--only has an empty name"),
        ({"only": ("a",), "exclude": ("a",)}, "--only a --exclude a selects no step; the steps are a, b"),
        (
            {"only": ("b",), "exclude": ("a",)},
            "--exclude a leaves out step 'a', but b needs its frame; exclude a+",
        ),
    ],
)
def test_wrong_selectors_are_refused(selectors: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        select_steps(CHAIN, Selectors(**selectors))
    assert words in str(caught.value)


@given(st.data())
def test_selection_equals_the_closure_of_its_steps(data: st.DataObject) -> None:
    """On any pipeline, ``2+x+1`` runs exactly what lies within reach, and what produces its frames."""
    count = data.draw(st.integers(1, 9))
    names = [f"s{number}" for number in range(count)]
    earlier = st.sets(st.sampled_from(names), max_size=3)
    steps = []
    for number, name in enumerate(names):
        needs = tuple(sorted(data.draw(earlier) & set(names[:number])))
        after = tuple(sorted(data.draw(earlier) & set(names[:number]) - set(needs)))
        steps.append(Step(name, "d", "", needs=needs, after=after))
    by_id = {step.id: step for step in steps}
    chosen = data.draw(st.sampled_from(names))
    up, down = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))

    def before(step: str, distance: int) -> set[str]:
        return {step}.union(*(before(name, distance - 1) for name in by_id[step].upstream if distance))

    def after_(step: str, distance: int) -> set[str]:
        later = [other.id for other in steps if step in other.upstream]
        return {step}.union(*(after_(name, distance - 1) for name in later if distance))

    def frames(step: str) -> set[str]:
        return {step}.union(*(frames(name) for name in by_id[step].needs))

    text = (f"{up}+" if up else "") + chosen + (f"+{down}" if down else "")
    selected = before(chosen, up) | after_(chosen, down)
    expected = set().union(*(frames(name) for name in selected))
    selection = select_steps(Manifest("p", tuple(steps)), Selectors(only=(text,)))
    assert list(selection.running) == [name for name in names if name in expected]
    assert list(selection.left_out) == [name for name in names if name not in expected]


def test_restricted_pipeline_keeps_no_order_on_steps_that_are_left_out() -> None:
    whole = compiled(ORDER)
    selectors = Selectors(only=("reads",))
    part = restrict(whole, selectors, select_steps(whole.manifest, selectors))
    assert [(step.id, step.after) for step in part.manifest.steps] == [("reads", ())]
    assert list(part.configs) == ["reads"]
    assert part.manifest.other_keys["selection"] == {"only": ["reads"], "left_out": ["extract", "writes"]}


@pytest.mark.parametrize("on", NAMES)
def test_step_runs_after_another_without_its_frame(tmp_path: Path, on: str) -> None:
    outcome = make_run(tmp_path, on, text=ORDER)
    events = events_of(outcome.path)
    assert outcome.status == "success"
    assert [event["step_id"] for event in events if event["event"] == "step_start"] == [
        "extract",
        "writes",
        "reads",
    ]
    assert not [event for event in events if event.get("step_id") == "reads" and "input" in event["event"]]


def test_step_after_a_failed_one_is_skipped_with_its_cause(tmp_path: Path) -> None:
    outcome = make_run(tmp_path, text=ORDER.replace("path: movies.csv", "path: none.csv"))
    skipped = {
        event["step_id"]: event["because"]
        for event in events_of(outcome.path)
        if event["event"] == "step_skipped"
    }
    assert skipped == {"writes": "extract", "reads": "extract"}


@pytest.mark.parametrize("on", ["none", "bwrap"])
def test_step_has_a_time_limit_of_its_own(tmp_path: Path, on: str) -> None:
    text = (
        'oml_version: "0.1.0"\nname: p\nsteps:\n'
        "  - {id: quick, component: test.faulty, config: {do: nothing}}\n"
        "  - {id: slow, component: test.faulty, timeout: 1.5, config: {do: hang}}\n"
    )
    outcome = make_run(tmp_path, on, text=text, components=COMPONENTS)
    (failed,) = [event for event in events_of(outcome.path) if event["event"] == "step_failed"]
    assert (failed["step_id"], failed["error_info"]["kind"]) == ("slow", "step-timeout")
    assert failed["error_info"]["facts"]["limit_s"] == 1.5
    assert failed["error_info"]["fix"].startswith("raise the timeout of the step, ")


def test_report_of_a_part_counts_the_steps_that_are_left_out(tmp_path: Path) -> None:
    whole = compiled(ORDER.replace("between.csv", "movies.csv", 1))
    selectors = Selectors(only=("reads",))
    part = restrict(whole, selectors, select_steps(whole.manifest, selectors))
    request = replace(order(tmp_path), compiled=part)
    path = run(request, TRANSPORTS["local"]()).path
    text = io.StringIO()
    render([analyze(path)], text)
    assert "1 step (1 succeeded) · 2 left out · no problems found" in text.getvalue()
