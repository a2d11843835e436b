"""Chains: where a pipeline is cut, and why."""

from pathlib import Path

import pytest

from osiris_inspect.model.errors import SettingsError
from osiris_inspect.runtime.cluster.chains import (
    Chain,
    chain_schedule,
    chains_of,
    check_shared_files,
)
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.planning.schedule import build_schedule
from tests.runtime.cluster.counting import COMPONENTS, pipeline
from tests.runtime.pipelines import STATS, TWO_BRANCHES

FILE = Path("/tmp/counted")
HEAD = 'oml_version: "0.1.0"\nname: files\nsteps:\n'


def _chains(text: str) -> tuple[Chain, ...]:
    compiled = compile_pipeline(text, "pipeline.yaml", COMPONENTS)
    schedule = build_schedule(compiled, COMPONENTS, Path("/base"), {})
    appends = [step.id for step in compiled.manifest.steps if step.driver == "test.append"]
    chains = chains_of(schedule, appends)
    check_shared_files(chains, compiled, COMPONENTS, Path("/base"), {})
    return chains


def test_steps_in_a_row_are_one_chain() -> None:
    assert _chains(STATS) == (
        Chain(("extract-movies", "compute-stats", "write-stats"), "it waits for no step"),
    )


def test_frame_with_two_users_cuts() -> None:
    assert _chains(TWO_BRANCHES) == (
        Chain(("movies",), "it waits for no step", gives=("movies",)),
        Chain(("broken", "write-broken"), "2 steps wait for movies", frames=("movies",)),
        Chain(("good", "write-good"), "2 steps wait for movies", frames=("movies",)),
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            ("a count - 0", "b count - 0", "c count a,b 0"),
            [
                (("a",), "it waits for no step"),
                (("b",), "it waits for no step"),
                (("c",), "it waits for 2 steps"),
            ],
        ),
        (
            ("a count - 0", "b append a 0"),
            [(("a",), "it waits for no step"), (("b",), "b may write rows twice if it runs again")],
        ),
    ],
)
def test_cut_names_its_reason(steps: tuple[str, ...], expected: list[tuple[tuple[str, ...], str]]) -> None:
    assert [(chain.steps, chain.cut) for chain in _chains(pipeline(FILE, *steps))] == expected


def test_retried_step_is_its_own_chain() -> None:
    text = STATS.replace(
        "    component: duckdb.processor\n", "    component: duckdb.processor\n    retry: 3\n"
    )
    assert [(chain.id, chain.cut) for chain in _chains(text)] == [
        ("extract-movies", "it waits for no step"),
        ("compute-stats", "compute-stats is retried"),
        ("write-stats", "compute-stats is retried"),
    ]


def test_result_other_than_a_frame_is_refused() -> None:
    text = pipeline(FILE, "a count - 0", "b count - 0", "c count a,b 0").replace(
        "    needs: [a,b]\n", "    needs: [a, b]\n    inputs: {x: {from_step: a, key: model}, y: b}\n"
    )
    with pytest.raises(SettingsError) as caught:
        _chains(text)
    assert str(caught.value) == (
        "step 'c' takes the result 'model' of step 'a', which may run on another machine; "
        "use its frame df, or run without --on dask"
    )


def test_file_of_another_chain_is_refused() -> None:
    text = HEAD + (
        "  - {id: a, component: filesystem.csv_extractor, config: {path: in.csv}}\n"
        "  - {id: b, component: filesystem.csv_writer, needs: [a], config: {path: out.csv}}\n"
        "  - {id: c, component: filesystem.csv_writer, needs: [a], config: {path: other.csv}}\n"
        "  - {id: d, component: filesystem.csv_extractor, after: [b, c], config: {path: out.csv}}\n"
    )
    with pytest.raises(SettingsError) as caught:
        _chains(text)
    assert str(caught.value) == (
        "step 'd' must run on the machine of step 'b': it writes out.csv, which this step reads; "
        "pass the rows on as a frame (needs), or run without --on dask"
    )


def test_chains_wait_as_their_steps_do() -> None:
    compiled = compile_pipeline(TWO_BRANCHES, "pipeline.yaml", COMPONENTS)
    schedule = build_schedule(compiled, COMPONENTS, Path("/base"), {})
    order = chain_schedule(chains_of(schedule, ()), schedule)
    assert [(step.id, step.upstream) for step in order.steps] == [
        ("movies", ()),
        ("broken", ("movies",)),
        ("good", ("movies",)),
    ]
