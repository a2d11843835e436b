from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.why import StepExplanation, TraceStep, explain_step
from osiris_inspect.inspector.why.json import document
from osiris_inspect.inspector.why.step_explanation import UnknownStep
from osiris_inspect.inspector.why.text import lines
from tests.inspector.accuracy import CORPUS
from tests.inspector.generated import Case, Fault, make
from tests.inspector.making import CHAIN, NONETYPE, local, run_dir, worker

FAULT = Fault("none", (), ())


def answer(told: Report, step: str) -> StepExplanation:
    return explain_step(told, step)


def made(folder: Path, storage: str = "memory", fault: Fault = FAULT, step: str = "") -> Report:
    return analyze(make(Case(fault, "chain", storage, "none", step), folder))


def walk(why: StepExplanation) -> dict[str, tuple[str, str]]:
    return {turn.name: (turn.result, turn.text) for way in why.input_traces for turn in way.trace_steps}


def turns(why: StepExplanation) -> dict[str, TraceStep]:
    return {turn.name: turn for turn in why.output_trace}


def test_input_in_memory_is_found_at_the_first_place(tmp_path: Path) -> None:
    why = answer(made(tmp_path), "clean")
    assert [(way.name, way.from_step, way.place) for way in why.input_traces] == [("df", "load", "memory")]
    assert list(walk(why)) == ["needs", "upstream", "memory", "result"]
    assert walk(why)["result"] == ("hit", "the driver received 14 rows from memory")


def test_spilled_input_is_missed_in_memory_and_found_on_disk(tmp_path: Path) -> None:
    why = answer(made(tmp_path, "forced"), "clean")
    assert [walk(why)[place][0] for place in ("memory", "spill", "result")] == ["", "hit", "hit"]


def test_frame_on_disk_names_the_setting_that_put_it_there(tmp_path: Path) -> None:
    said = turns(answer(made(tmp_path, "forced"), "load"))
    assert said["stored"].text == "spilled to artifacts/load/output.parquet: every frame is spilled"
    assert said["setting"].text.startswith("E2B_FORCE_SPILL=true (")


def test_input_asked_for_under_another_key_says_what_there_was(tmp_path: Path) -> None:
    fault = Fault("asks", ("middle",), (), "asks:data")
    why = answer(made(tmp_path, fault=fault, step="stats"), "stats")
    assert why.verdict == "step 'stats' failed: missing input"
    assert walk(why)["needs"][1] == "the result 'data' of 'clean', as 'df'"
    assert "returned 'df': DataFrame" in walk(why)["upstream"][1]
    assert walk(why)["result"] == ("miss", "the driver was not called")
    assert [finding.rule for finding in why.causes][-1] == "input-key-wrong"
    assert why.consequences == ("save",)


@pytest.mark.parametrize(
    ("deed", "place", "word"),
    [
        ("after:delete", "spill", "output.parquet"),
        ("after:change", "spill", "not the file that was written"),
        ("after:drop", "memory", "not 'df'"),
    ],
)
def test_lost_frame_is_missed_in_both_places_with_the_reason(
    tmp_path: Path, deed: str, place: str, word: str
) -> None:
    storage = "memory" if deed == "after:drop" else "forced"
    why = answer(made(tmp_path, storage, Fault("lost", (), (), deed), "clean"), "stats")
    assert (walk(why)["memory"][0], walk(why)["spill"][0]) == ("miss", "miss")
    assert word in walk(why)[place][1]
    assert why.causes[-1].step == "clean"


def test_need_of_which_the_log_holds_nothing_is_not_called_lost(tmp_path: Path) -> None:
    lines = [
        worker("step_complete", 1, step_id="a", rows_processed=10),
        worker("step_complete", 1, step_id="b", rows_processed=20),
        worker("inputs_resolved", 2, step_id="j", from_step="a", key="df", rows=10, from_memory=True),
        worker(
            "step_failed",
            3,
            step_id="j",
            driver="duckdb.processor",
            error="Table with name df_b does not exist!",
        ),
        worker("cleanup_complete", 4),
    ]
    steps = [("a", "x.extractor", []), ("b", "x.extractor", []), ("j", "duckdb.processor", ["a", "b"])]
    told = analyze(run_dir(tmp_path, lines, steps=steps))
    way = answer(told, "j").input_traces[1]
    assert (way.from_step, way.trace_steps[-1].result) == ("b", "unknown")
    assert way.trace_steps[-1].text == "not logged whether it was passed to the step"
    giver = told.run.step("b")
    assert giver is not None
    assert giver.storage == "unknown"


def test_skipped_step_is_led_back_to_the_error(tmp_path: Path) -> None:
    why = answer(made(tmp_path, fault=Fault("boom", (), (), "disk"), step="load"), "save")
    assert why.verdict == "step 'save' was skipped because of step 'load'"
    assert "No space left on device" in turns(why)["load"].text
    assert why.causes[-1].id == "disk-full@load"


def test_step_without_rows_says_what_it_got_and_its_query(tmp_path: Path) -> None:
    fault = Fault(
        "filter", (), (), component="duckdb.processor", config={"query": "SELECT * FROM {first} WHERE id < 0"}
    )
    said = turns(answer(made(tmp_path, fault=fault, step="stats"), "stats"))
    assert said["rows"].text == "it received 14 rows and produced none"
    assert said["query"].text == "SELECT * FROM df_clean WHERE id < 0"


def test_source_without_rows_blames_nobody_upstream(tmp_path: Path) -> None:
    why = answer(made(tmp_path, fault=Fault("empty", (), (), "no rows"), step="load"), "load")
    assert why.input_traces == ()
    assert turns(why)["rows"].text == "the source returned 0 rows"


def test_one_input_of_several_can_be_asked_for(tmp_path: Path) -> None:
    told = analyze(make(Case(FAULT, "join", "memory", "none", ""), tmp_path))
    assert [way.from_step for way in answer(told, "join.df_orders").input_traces] == ["orders"]
    assert [way.from_step for way in answer(told, "join.customers").input_traces] == ["customers"]
    assert len(answer(told, "join").input_traces) == 2


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("stat", "the run has no step 'stat'; it has 'load', 'clean', 'stats', 'save'"),
        ("stats.dfx", "step 'stats' has no input 'dfx'; it has 'df', 'clean'"),
    ],
)
def test_name_that_is_none_is_told_with_those_there_are(tmp_path: Path, wanted: str, says: str) -> None:
    with pytest.raises(UnknownStep, match=f"^{says}$"):
        explain_step(made(tmp_path), wanted)


def test_step_id_with_a_dot_is_no_input(tmp_path: Path) -> None:
    lines_ = [local("step_start", step_id="a.b"), local("step_complete", step_id="a.b")]
    assert explain_step(analyze(run_dir(tmp_path, lines_)), "a.b").step.id == "a.b"


def starved(tmp_path: Path, log: str, **complete: Any) -> StepExplanation:
    events = [
        worker("step_start", 1, step_id="extract", driver="mysql.extractor"),
        worker("step_complete", 2, step_id="extract", **{"rows_processed": 14, **complete}),
        worker("step_start", 3, step_id="stats", driver="duckdb.processor"),
        worker("step_failed", 4, step_id="stats", driver="duckdb.processor", error=NONETYPE),
        worker("cleanup_complete", 5),
    ]
    files = {"worker.log": f"Loaded config from cfg/stats.json\n{log}\n"}
    return explain_step(analyze(run_dir(tmp_path, events, steps=CHAIN, files=files)), "stats")


@pytest.mark.parametrize(
    ("log", "place", "text"),
    [
        (
            "WARNING - Key 'df' not found in outputs from step 'extract' (available: ['data'])",
            "memory",
            "not found: the result contains 'data', not 'df'",
        ),
        (
            "WARNING - No outputs cached for step 'extract'",
            "memory",
            "not found: 'extract' produced no result",
        ),
        (
            "ERROR - Failed to cache DataFrame for step extract: Duplicate column names",
            "spill",
            "not found: the file was not written: Duplicate column names",
        ),
        (
            "ERROR - Failed to load input DataFrame from artifacts/extract/output.parquet",
            "spill",
            "not found: Failed to load input DataFrame from artifacts/extract/output.parquet",
        ),
    ],
)
def test_what_only_a_text_log_tells_stands_in_the_walk(
    tmp_path: Path, log: str, place: str, text: str
) -> None:
    why = starved(tmp_path, log)
    assert walk(why)[place] == ("miss", text)
    (turn,) = [turn for way in why.input_traces for turn in way.trace_steps if turn.name == place]
    assert [(piece.file, piece.line) for piece in turn.evidence] == [("worker.log", 2)]


def test_text_is_wrapped_and_never_cut(tmp_path: Path) -> None:
    why = answer(made(tmp_path, fault=Fault("boom", (), (), "disk"), step="load"), "save")
    text = list(lines(why, 60))
    assert max(map(len, text)) <= 60
    assert "…" not in "".join(text)
    assert "because of step 'load'" in " ".join(text[0].split())


def test_json_has_every_station_with_its_evidence(tmp_path: Path) -> None:
    told = document(answer(made(tmp_path, "forced"), "clean"))
    assert list(told) == [
        "schema_version", "step", "status", "verdict", "inputs", "more_inputs", "then", "causes",
        "consequences",
    ]  # fmt: skip
    (entry,) = told["inputs"]
    assert [station["at"] for station in entry["walk"]] == ["needs", "upstream", "memory", "spill", "result"]
    assert all(station["evidence"] for station in entry["walk"])


@pytest.mark.skipif(not CORPUS.exists(), reason="the labelled runs of the original are not on this machine")
def test_every_step_of_every_run_has_an_answer_whose_quotes_stand_in_their_lines() -> None:
    for path in find_runs(CORPUS):
        told = analyze(path)
        for step in told.run.steps:
            why = explain_step(told, step.id)
            assert list(lines(why))
            for turn in (*why.output_trace, *(turn for way in why.input_traces for turn in way.trace_steps)):
                for piece in turn.evidence:
                    line = (
                        (path / piece.file)
                        .read_bytes()
                        .split(b"\n")[piece.line - 1]
                        .decode("utf-8", "replace")
                    )
                    assert piece.quote, (path, step.id, turn)
                    assert piece.quote in line, (path, step.id, turn)
