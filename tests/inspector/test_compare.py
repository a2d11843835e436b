from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.compare import compare, compare_frames
from osiris_inspect.inspector.run.frame_info import FrameColumn, FrameInfo
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.event import Event
from tests.samples import SAMPLES, runs


def sample(story: str) -> Run:
    return load(next((SAMPLES / story).glob("run_*")))


@pytest.mark.parametrize("path", runs(), ids=lambda run: run.parent.name)
def test_run_compared_with_itself_differs_in_nothing(path: Path) -> None:
    told = compare(load(path), load(path))
    assert told.first_difference is None
    assert not [pair.step for pair in told.steps if pair.differences]
    assert (told.run, told.environment) == ((), ())


def test_spilled_run_differs_from_one_in_memory_only_in_where_frames_were() -> None:
    told = compare(sample("good_local"), sample("all_spilled"))
    aspects = {difference.aspect for pair in told.steps for difference in pair.differences}
    assert aspects <= {"storage", "inputs", "rows in", "rows out", "schema"}
    assert "storage" in aspects
    assert told.first_difference == "extract-movies"


def test_failed_run_first_goes_apart_where_it_failed() -> None:
    told = compare(sample("good_local"), sample("killed_worker"))
    assert told.first_difference == "compute-stats"
    assert [difference.aspect for difference in told.run] == ["mode", "verdict"]


def test_step_that_only_one_run_has_is_a_difference() -> None:
    one = sample("good_local")
    other = replace(one, steps=one.steps[:-1])
    (pair,) = [pair for pair in compare(one, other).steps if pair.differences]
    assert [(d.aspect, d.base, d.other) for d in pair.differences] == [("presence", "succeeded", "-")]


def test_what_one_run_does_not_tell_is_no_difference() -> None:
    one = sample("good_local")
    silent = replace(one.steps[0], rows_out=None, storage="unknown", driver=None, config={})
    assert compare(one, replace(one, steps=(silent, *one.steps[1:]))).first_difference is None


def test_configuration_differs_by_key_and_shows_no_secret() -> None:
    one = sample("good_local")
    left = replace(one, steps=(replace(one.steps[0], config={"password": "hunter2one", "mode": "a"}),))
    right = replace(one, steps=(replace(one.steps[0], config={"password": "hunter2two", "mode": "b"}),))
    found = compare(left, right).steps[0].differences
    assert [difference.aspect for difference in found] == ["configuration mode", "configuration password"]
    assert "hunter2" not in str(found)


def test_surroundings_differ_where_both_tell_and_the_value_can_explain_something() -> None:
    one, other = (
        replace(
            sample("good_local"),
            events=(
                Event("environment", 1.0, None, {"packages": {"pandas": version}, "disk_free_bytes": free}),
            ),
        )
        for version, free in (("2.2", 1), ("3.1", 2))
    )
    found = compare(one, other).environment
    assert [(d.aspect, d.base, d.other) for d in found] == [("host packages pandas", "2.2", "3.1")]


def test_step_that_takes_much_longer_is_named() -> None:
    one = sample("good_local")
    slow = replace(one.steps[0], duration_s=10.0)
    quick = replace(one.steps[0], duration_s=2.0)
    told = compare(replace(one, steps=(quick,)), replace(one, steps=(slow,)))
    assert told.steps[0].slowdown == 5
    assert told.first_difference is None


def facts(*columns: FrameColumn, rows: int = 3) -> FrameInfo:
    return FrameInfo(Path("output.parquet"), rows, 100, 1, columns)


def test_frames_differ_in_rows_columns_types_nulls_and_order() -> None:
    year, name = FrameColumn("year", "int64", nulls=0), FrameColumn("name", "string")
    assert compare_frames(facts(year, name), facts(year, name)) == ()
    assert [d.aspect for d in compare_frames(facts(year, name), facts(name, year))] == ["order of columns"]
    changed = facts(replace(year, type="double", nulls=2), FrameColumn("title", "string"), rows=4)
    assert [d.aspect for d in compare_frames(facts(year, name), changed)] == [
        "rows",
        "year: type",
        "year: nulls",
        "column name",
        "column title",
    ]


def test_kinds_of_events_that_one_run_lacks_are_told() -> None:
    one = sample("good_local")
    kept = [event for event in one.events if event.name != "inputs_resolved"]
    found = [
        difference
        for pair in compare(one, replace(one, events=tuple(kept))).steps
        for difference in pair.differences
        if difference.aspect == "events"
    ]
    assert [(difference.base, difference.other) for difference in found] == [("inputs_resolved", "-")] * 2


def test_steps_that_began_in_another_order_are_told() -> None:
    one = sample("good_local")
    told = compare(one, replace(one, events=tuple(reversed(one.events))))
    assert [difference.aspect for difference in told.run] == ["order of steps"]
