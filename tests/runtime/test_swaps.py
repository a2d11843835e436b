"""Replays of a failed step with one difference of a run that works: what they prove, and that they change no run."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.model.failure.proof import Proof
from osiris_inspect.runtime.pipeline.component import Component, ConfigKey
from osiris_inspect.runtime.replay.earlier.earlier_pipeline import read_run
from osiris_inspect.runtime.replay.replay import ReplayHost, ReplayOptions
from osiris_inspect.runtime.replay.swaps.run_swaps import SwapRunner
from osiris_inspect.runtime.replay.swaps.swaps_of_run import RunSwaps
from tests.runtime.capturing import CAPTURING
from tests.runtime.runs import ENVIRONMENT, make_run
from tests.runtime.test_replay import tree

KEYS = ("pattern", "counter", "path", "other", "sleep")
COMPONENTS: Mapping[str, Component] = {
    **CAPTURING,
    "test.swapped": Component(
        "test.swapped",
        "For tests.",
        "tests.runtime.swapped_driver:Swapped",
        keys=tuple(ConfigKey(key, "text", "for tests") for key in KEYS),
        modes=("transform",),
        inputs="many",
        produces_frame=True,
    ),
}
SOURCE = """\
oml_version: "0.1.0"
name: swaps
steps:
  - {id: early, component: test.source, config: {rows: "2"}}
  - {id: late, component: duckdb.processor, needs: [early], config: {query: "SELECT text FROM df"}}
"""
KEPT = {"E2B_KEEP": "frames"}


def with_step(config: str, component: str = "test.swapped", more: str = "", source: str = SOURCE) -> str:
    """A pipeline with the step ``broken``."""
    step = f"id: broken, component: {component}, needs: [late], config: {{{config}}}"
    return f"{source}  - {{{step}{more}}}\n"


def query(sql: str, more: str = "", source: str = SOURCE) -> str:
    """A pipeline whose step ``broken`` is a query."""
    return with_step(f'query: "{sql}"', "duckdb.processor", more, source)


def prove(base: Path, other: Path, **more: Any) -> Proof:
    """Return the proof of the replays, after checking that no file of either run changed and no run was added."""
    options = ReplayOptions(**more)
    host = ReplayHost(ENVIRONMENT, components=COMPONENTS)
    before = tree(base.parent)
    swaps = tuple(RunSwaps(read_run(base), "broken", read_run(other), "broken", options))
    proof = SwapRunner(other, "broken", host, lambda _: None).prove(options, swaps)
    assert tree(base.parent) == before
    return proof


def pair(folder: Path, good: str, bad: str, on: str = "local", **more: Any) -> tuple[Path, Path]:
    """A run that works, and one that fails."""
    base = make_run(folder, text=good, components=COMPONENTS, env=KEPT)
    other = make_run(folder, on, text=bad, components=COMPONENTS, **more)
    assert (base.status, other.status) == ("success", "failed")
    return base.path, other.path


def swaps_of(proof: Proof) -> list[tuple[str, tuple[str, ...], str]]:
    return [(swap.kind, swap.names, swap.result) for swap in proof.swaps]


def proved(proof: Proof) -> tuple[str, tuple[str, ...]] | None:
    assert (proof.proved is None) == (proof.result != "proved")
    return None if proof.proved is None else (proof.proved.kind, proof.proved.names)


def test_configuration_is_proved(tmp_path: Path) -> None:
    runs = pair(tmp_path, query("SELECT text FROM df"), query("SELECT nope FROM df"))
    proof = prove(*runs)
    assert proved(proof) == ("configuration", ("query",))
    assert swaps_of(proof) == [("configuration", ("query",), "succeeds")]
    assert proof.replays == 6  # unchanged, with the query, and four that confirm both


def test_one_key_of_several_is_proved(tmp_path: Path) -> None:
    good = with_step(f"path: {tmp_path}/movies.csv, other: a")
    bad = with_step(f"path: {tmp_path}/nothing, other: b, sleep: '0'")
    proof = prove(*pair(tmp_path, good, bad))
    assert [set(names) for _, names, _ in swaps_of(proof)] == [{"path", "other", "sleep"}]
    assert proved(proof) == ("configuration", ("path",))


def test_key_that_only_the_failed_run_has_is_removed(tmp_path: Path) -> None:
    proof = prove(*pair(tmp_path, with_step("other: a"), with_step(f"other: a, path: {tmp_path}/nothing")))
    assert proved(proof) == ("configuration", ("path",))


def test_check_of_the_step_is_proved(tmp_path: Path) -> None:
    sql = "SELECT CAST(NULL AS INTEGER) AS n FROM df"
    runs = pair(tmp_path, query(sql), query(sql, ", checks: {not_null: [n]}"))
    assert proved(prove(*runs)) == ("configuration", ("checks",))


def test_setting_is_proved(tmp_path: Path) -> None:
    text = with_step("sleep: '1.5'")
    runs = pair(tmp_path, text, text, env={"E2B_STEP_TIMEOUT": "0.4", "E2B_SPILL_THRESHOLD": "7"})
    proof = prove(*runs)
    assert proved(proof) == ("settings", ("step_timeout_s",))


def test_place_is_proved(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    counter = tmp_path_factory.mktemp("outside") / "counter"  # a sandbox cannot write there
    text = with_step(f"pattern: {'S' * 9}, counter: {counter}")
    proof = prove(*pair(tmp_path, text, text, "landlock", options={"isolation": "landlock"}))
    assert proved(proof) == ("place", ("local",))


def test_frame_is_proved(tmp_path: Path) -> None:
    sql = "SELECT CAST(text AS INTEGER) AS n FROM df"
    good = SOURCE.replace("SELECT text FROM df", "SELECT '7' AS text FROM df")
    runs = pair(tmp_path, query(sql, source=good), query(sql))
    assert proved(prove(*runs)) == ("frames", ("late",))


def test_frame_that_was_not_kept_is_named(tmp_path: Path) -> None:
    sql = "SELECT CAST(text AS INTEGER) AS n FROM df"
    good = query(sql, source=SOURCE.replace("SELECT text FROM df", "SELECT '7' AS text FROM df"))
    base = make_run(tmp_path, text=good, components=COMPONENTS)
    other = make_run(tmp_path, text=query(sql), components=COMPONENTS)
    proof = prove(base.path, other.path)
    assert proof.result == "none alone"
    assert swaps_of(proof) == [("frames", ("late",), "not tested")]
    assert proof.swaps[0].reason == f"{base.path.name} kept none; run --keep frames keeps them"


def test_frame_of_a_renamed_step_is_not_swapped(tmp_path: Path) -> None:
    sql = "SELECT CAST(text AS INTEGER) AS n FROM df"
    good = query(sql, source=SOURCE.replace("SELECT text FROM df", "SELECT '7' AS text FROM df"))
    base, other = pair(tmp_path, good.replace("late", "before"), query(sql))
    proof = prove(base, other)
    assert swaps_of(proof) == [("frames", ("late",), "not tested")]
    assert proof.swaps[0].reason == f"{base.name} has no step 'late'"


def test_two_causes_are_not_proved_alone(tmp_path: Path) -> None:
    good = query(
        "SELECT CAST(text AS INTEGER) AS n FROM df", source=SOURCE.replace("text FROM", "'7' AS text FROM")
    )
    bad = query("SELECT CAST(text AS DATE) AS n, nope FROM df")
    proof = prove(*pair(tmp_path, good, bad))
    assert (proof.result, proved(proof)) == ("none alone", None)
    assert swaps_of(proof) == [
        ("configuration", ("query",), "other failure"),
        ("frames", ("late",), "same failure"),
    ]
    assert "Could not convert string" in proof.swaps[0].reason


def counted(tmp_path: Path, pattern: str, other: str) -> str:
    return with_step(f"pattern: {pattern}, counter: {tmp_path}/counter, other: {other}")


def test_success_unchanged_is_not_reproduced(tmp_path: Path) -> None:
    proof = prove(*pair(tmp_path, counted(tmp_path, "SFS", "a"), counted(tmp_path, "SFS", "b")))
    assert (proof.result, proof.replays, proof.swaps) == ("not reproduced", 1, ())


@pytest.mark.parametrize(
    "pattern", ["SF" + "FS" + "F", "SF" + "FS" + "SS", "SF" + "FS" + "SFS", "SF" + "FS" + "SFFF"]
)
def test_failure_by_chance_is_not_proved(tmp_path: Path, pattern: str) -> None:
    proof = prove(*pair(tmp_path, counted(tmp_path, pattern, "a"), counted(tmp_path, pattern, "b")))
    assert (proof.result, proof.replays) == ("by chance", len(pattern) - 2)


def test_other_failure_stops(tmp_path: Path) -> None:
    runs = pair(tmp_path, with_step("other: a"), with_step(f"path: {tmp_path}/nothing, other: b"))
    (tmp_path / "nothing").mkdir()
    proof = prove(*runs)
    assert (proof.result, proof.replays) == ("other failure", 1)
    assert "Is a directory" in proof.reason


def test_equal_runs_have_nothing_to_swap(tmp_path: Path) -> None:
    run = make_run(tmp_path, text=query("SELECT nope FROM df"), components=COMPONENTS).path
    proof = prove(run, run)
    assert (proof.result, proof.replays) == ("nothing to swap", 1)


def test_writer_runs_only_if_allowed(tmp_path: Path) -> None:
    good = with_step("path: good.csv", "filesystem.csv_writer")
    base = make_run(tmp_path, text=good, components=COMPONENTS)
    bad = good.replace("good.csv", "none/bad.csv, create_dirs: false")
    other = make_run(tmp_path, text=bad, components=COMPONENTS)
    (base.path.parent.parent / "good.csv").unlink()
    proof = prove(base.path, other.path)
    assert (proof.result, proof.replays) == ("not tested", 0)
    assert proof.reason.endswith("none/bad.csv; add --allow-writes to run it again")
    assert not list(tmp_path.rglob("good.csv"))
    allowed = prove(base.path, other.path, allow_writes=True)
    assert allowed.result == "proved"
    assert list(tmp_path.rglob("good.csv"))


def test_swap_never_makes_a_writer(tmp_path: Path) -> None:
    runs = pair(tmp_path, with_step("path: good.csv", "filesystem.csv_writer"), query("SELECT nope FROM df"))
    for file in tmp_path.rglob("good.csv"):
        file.unlink()
    proof = prove(*runs)
    assert proof.result == "none alone"
    ((kind, _, result),) = [swap for swap in swaps_of(proof) if swap[0] == "configuration"]
    assert (kind, result) == ("configuration", "not tested")
    assert not list(tmp_path.rglob("good.csv"))


def test_missing_inputs_are_named(tmp_path: Path) -> None:
    base, other = pair(tmp_path, query("SELECT text FROM df"), query("SELECT nope FROM df"))
    for run in (base, other):
        (run / "artifacts/late/schema.json").unlink()
    proof = prove(base, other)
    assert (proof.result, proof.replays) == ("not tested", 0)
    assert proof.reason.endswith("; run the pipeline again with --keep frames, and compare that run")


def test_masked_value_is_not_swapped(tmp_path: Path) -> None:
    base, other = pair(tmp_path, with_step("other: a"), with_step(f"other: b, path: {tmp_path}/nothing"))
    file = base / "cfg/broken.json"
    file.write_text(file.read_text().replace('"a"', '"***"'))
    options = ReplayOptions()
    swaps = list(RunSwaps(read_run(base), "broken", read_run(other), "broken", options))
    assert [(swap.names, swap.options is None, swap.reason) for swap in swaps] == [
        (("other",), True, f"masked in the log of {base.name}"),
        (("path",), False, ""),
    ]
    assert swaps[1].options == replace(options, removed=frozenset({"path"}))
