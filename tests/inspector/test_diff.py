"""First divergence, ranking and words of ``diff``, on the samples and on changed copies of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.diff import diff_runs
from osiris_inspect.inspector.export.diff import json as as_json
from osiris_inspect.inspector.export.diff import markdown, text
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.comparison.difference_ranking import rank
from osiris_inspect.inspector.run.comparison.differences import Difference, changed_parts
from osiris_inspect.inspector.run.comparison.frame_changes import compare_frames
from osiris_inspect.inspector.run.comparison.run_diff import RunDiff
from osiris_inspect.inspector.run.frame_info import FrameColumn, FrameInfo
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.model.event import Event
from tests.samples import SAMPLES, runs


def sample(story: str) -> Run:
    return load(next((SAMPLES / story).glob("run_*")))


def with_step(run: Run, step_id: str, **changes: Any) -> Run:
    steps = tuple(replace(step, **changes) if step.id == step_id else step for step in run.steps)
    return replace(run, steps=steps)


def with_events(run: Run, change: Callable[[Event], Event]) -> Run:
    return replace(run, events=tuple(map(change, run.events)))


def with_output(run: Run, step_id: str, **fields: Any) -> Run:
    """Return the run with another ``output_stored`` of a step."""

    def change(event: Event) -> Event:
        is_one = event.name == "output_stored" and event.step == step_id
        return replace(event, fields={**event.fields, **fields}) if is_one else event

    return with_events(run, change)


def first(diff: RunDiff) -> list[str]:
    return [step.step for step in diff.first]


@pytest.mark.parametrize("path", runs(), ids=lambda run: run.parent.name)
def test_run_and_itself_do_not_diverge(path: Path) -> None:
    diff = diff_runs(load(path), load(path))
    assert (first(diff), diff.differs, diff.ranked, dict(diff.unrelated)) == ([], False, (), {})


def test_spilled_and_memory_run_do_not_diverge() -> None:
    diff = diff_runs(sample("good_local"), sample("all_spilled"))
    assert (first(diff), diff.differs) == ([], False)
    assert diff.unrelated["in storage"] == 3


def test_killed_step_is_first_with_its_query() -> None:
    diff = diff_runs(sample("good_local"), sample("killed_worker"))
    assert first(diff) == ["compute-stats"]
    assert diff.ranked[0].difference.name == "configuration query of compute-stats"


def test_working_run_becomes_a() -> None:
    diff = diff_runs(sample("killed_worker"), sample("good_local"))
    assert diff.is_swapped
    assert (diff.base.status, diff.other.status) == ("success", "failed")


def test_binding_of_input_is_the_cause() -> None:
    diff = diff_runs(sample("good_local"), sample("missing_input"))
    assert first(diff) == ["compute-stats"]
    assert diff.ranked[0].difference.kind == "inputs"


def test_original_is_compared_by_rows_only() -> None:
    run = sample("original_nonetype")
    fewer = with_step(run, "extract-movies", rows_out=3)
    diff = diff_runs(run, fewer)
    assert first(diff) == ["extract-movies"]
    assert diff.first[0].outcome.changes == ("rows 14 → 3",)
    assert diff.first[0].outcome.by_rows_only
    assert any(note.startswith("by rows only") for note in diff.notes)


def test_one_changed_cell_is_a_first_divergence() -> None:
    run = sample("good_local")
    diff = diff_runs(run, with_output(run, "extract-movies", fingerprint="0" * 32))
    assert first(diff) == ["extract-movies"]  # a file is read in its order
    assert diff.is_certain


def test_unordered_transform_with_same_inputs_is_not_first() -> None:
    run = sample("good_local")
    many = with_step(run, "compute-stats", inputs=(replace_rows(run.steps[1], 5_000),))
    diff = diff_runs(many, with_output(many, "compute-stats", fingerprint="0" * 32))
    assert first(diff) == []
    assert not diff.differs
    assert [step.step for step in diff.unordered] == ["compute-stats"]


def replace_rows(step: StepState, rows: int) -> Any:
    return step.inputs[0]._replace(rows=rows)


def test_unordered_transform_with_other_query_is_possible() -> None:
    run = sample("good_local")
    many = with_step(run, "compute-stats", inputs=(replace_rows(run.steps[1], 5_000),))
    changed = with_output(many, "compute-stats", fingerprint="0" * 32)
    config = {**run.steps[1].config, "query": f"{run.steps[1].config['query']} DESC"}
    diff = diff_runs(many, with_step(changed, "compute-stats", config=config))
    assert (first(diff), diff.is_certain) == (["compute-stats"], False)


def test_step_listed_as_unstable_is_not_first() -> None:
    run = sample("good_local")
    other = with_output(run, "extract-movies", fingerprint="0" * 32)
    assert first(diff_runs(run, other, unstable=["extract-*"])) == []


def test_difference_of_step_with_same_output_explains_nothing() -> None:
    run = sample("good_local")
    broken = sample("killed_worker")
    writer = with_step(broken, "extract-movies", config={**broken.steps[0].config, "note": "x"})
    diff = diff_runs(run, writer)
    assert "configuration note of extract-movies" not in [entry.difference.name for entry in diff.ranked]
    assert diff.unrelated["in steps with the same output"] == 1


def test_step_off_the_path_is_not_first() -> None:
    run = sample("partly_skipped")
    other = with_step(run, "good", rows_out=7, config={"query": "SELECT 7"})
    other = with_output(other, "good", fingerprint="0" * 32)
    diff = diff_runs(run, other)
    assert first(diff) == []
    assert diff.unrelated["in steps that do not lead to the failure"] >= 1


def test_added_step_is_first_and_its_consumer_later() -> None:
    run = sample("good_local")
    without = replace(
        run, steps=(run.steps[0], replace(run.steps[2], needs=("extract-movies",), inputs=(), rows_out=14))
    )
    diff = diff_runs(without, run)
    assert first(diff) == ["compute-stats"]
    assert {step.step: step.divergence for step in diff.steps}["write-stats"] == "later"


def test_renamed_step_is_one_step() -> None:
    run = sample("good_local")
    renamed = replace(
        run,
        steps=(
            replace(run.steps[0], id="movies"),
            replace(
                run.steps[1], needs=("movies",), inputs=(run.steps[1].inputs[0]._replace(from_step="movies"),)
            ),
            run.steps[2],
        ),
    )
    renamed = with_events(
        renamed, lambda event: replace(event, step="movies") if event.step == "extract-movies" else event
    )
    diff = diff_runs(run, renamed)
    assert (len(diff.steps), first(diff)) == (3, [])


def test_same_failure_with_other_values_does_not_diverge() -> None:
    run = sample("partly_skipped")
    step = run.step("broken")
    assert step is not None
    assert step.failure is not None
    message = step.failure.message.replace("nope", "nope2")
    other = with_step(run, "broken", failure=step.failure._replace(message=message))
    assert first(diff_runs(run, other)) == []


def test_ignored_difference_is_left_out() -> None:
    diff = diff_runs(
        sample("good_local"), sample("killed_worker"), ignore=["configuration query*", "variable *"]
    )
    names = [entry.difference.name for entry in diff.ranked]
    assert not any(name.startswith(("configuration", "variable")) for name in names)
    assert "isolation" in names


def test_rank_adds_position_name_and_kind() -> None:
    variable = Difference("variable", "CITY", "set", "not set", words=("CITY",))
    package = Difference("package", "pandas", "2", "3", words=("pandas",))
    query = Difference("configuration", "query", "a", "b", step="b", words=("query",))
    ranked = rank([(package, "run"), (query, "path"), (variable, "run")], "KeyError: 'CITY' is not set")
    assert [(entry.difference.kind, entry.score) for entry in ranked] == [
        ("variable", 120),
        ("configuration", 60),
        ("package", 30),
    ]


def test_package_is_searched_in_traceback_too() -> None:
    package = Difference("package", "pandas", "2", "3", words=("pandas",))
    query = Difference("configuration", "index", "a", "b", step="b", words=("index",))
    ranked = rank([(query, "run"), (package, "run")], "ValueError: x", "File pandas/index.py")
    assert [(entry.difference.kind, entry.is_named) for entry in ranked] == [
        ("package", True),
        ("configuration", False),
    ]


def test_configuration_shows_no_secret() -> None:
    run = sample("killed_worker")
    left, right = (
        with_step(run, "compute-stats", config={"password": f"hunter2{word}", "query": word})
        for word in ("one", "two")
    )
    diff = diff_runs(replace(left, status="success"), right)
    diff = replace(diff, first=diff.steps[1:2])
    shown = "\n".join([*text.lines(diff), *markdown.lines(diff), json.dumps(as_json.document(diff))])
    assert "hunter2" not in shown


def test_surroundings_are_ranked_but_not_free_space() -> None:
    bad = sample("killed_worker")
    one, other = (
        replace(
            bad,
            status=status,
            events=(
                Event("environment", 1.0, None, {"packages": {"pandas": version}, "disk_free_bytes": free}),
            ),
        )
        for status, version, free in (("success", "2.2", 1), ("failed", "3.1", 2))
    )
    names = [entry.difference.name for entry in diff_runs(one, other).ranked]
    assert names == ["package pandas"]


def test_changed_parts_of_long_text_are_whole_words() -> None:
    same = "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p"
    assert changed_parts(f"SELECT {same}, CAST(x AS int) FROM df", f"SELECT {same}, x FROM df") == (
        ", CAST(x AS int) FROM",
        ", x FROM",
    )


def test_text_names_step_causes_and_rest() -> None:
    shown = list(text.lines(diff_runs(sample("good_local"), sample("killed_worker"))))
    assert shown[0].startswith("≠ run_1795381937075")
    assert shown[0].endswith("at compute-stats")
    assert "  compute-stats: succeeded (3 rows) → failed" in shown
    assert "     1 difference in storage" in shown


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


def test_variable_with_other_value_is_named_without_it() -> None:
    bad = sample("killed_worker")

    def run(status: Any, digest: str, key: str) -> Run:
        fields = {"variable_digests": {"CITY": digest}, "variables_key": key}
        return replace(bad, status=status, events=(Event("environment", 1.0, None, fields),))

    changed = diff_runs(run("success", "ab", "k"), run("failed", "cd", "k"))
    assert [(entry.difference.name, entry.difference.other) for entry in changed.ranked] == [
        ("variable CITY", "another value")
    ]
    assert diff_runs(run("success", "ab", "k"), run("failed", "cd", "other key")).ranked == ()


def test_file_with_other_content_is_the_cause_of_a_failed_reader() -> None:
    good = sample("good_local")

    def run(status: Any, digest: str) -> Run:
        read = Event("file_read", 1.0, "extract-movies", {"path": "movies.csv", "bytes": 3, "xxh3": digest})
        run = with_step(good, "extract-movies", status="failed" if status == "failed" else "succeeded")
        return replace(run, status=status, events=(*run.events, read))

    diff = diff_runs(run("success", "ab"), run("failed", "cd"))
    assert first(diff) == ["extract-movies"]
    assert [entry.difference.name for entry in diff.ranked] == ["file movies.csv of extract-movies"]
