"""The command ``diff`` on the samples."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from tests.cli.all_commands import Call, call_all
from tests.samples import SAMPLES

GOOD, KILLED = str(SAMPLES / "good_local"), str(SAMPLES / "killed_worker")


def call(tmp_path: Path, *lines: list[str]) -> list[tuple[int, str, str]]:
    written = call_all([Call(line) for line in lines], tmp_path, {"XDG_CACHE_HOME": str(tmp_path / "cache")})
    return [(done.code, done.out.decode(), done.err.decode()) for done in written]


def test_exit_codes_and_formats(tmp_path: Path) -> None:
    file = tmp_path / "diff.md"
    same, differs, document, markdown, no_step, no_run, unwritable = call(
        tmp_path,
        ["diff", GOOD, GOOD],
        ["diff", KILLED, GOOD],
        ["diff", GOOD, KILLED, "--format", "json"],
        ["diff", GOOD, KILLED, "-f", "markdown", "-o", str(file)],
        ["diff", GOOD, KILLED, "--step", "nope"],
        ["diff", GOOD, str(tmp_path / "nothing")],
        ["diff", GOOD, KILLED, "-o", str(tmp_path / "no" / "file")],
    )
    assert (same[0], same[2]) == (0, "")
    assert "does not diverge" in same[1]
    assert (differs[0], differs[2]) == (1, "")
    assert "  note: A is run_1795381934213, because only it succeeded" in differs[1].splitlines()
    assert document[0] == 1
    assert json.loads(document[1])["first"] == ["compute-stats"]
    assert (markdown[0], markdown[1]) == (1, "")
    assert "| 1 | `configuration query of compute-stats` |" in file.read_text()
    assert no_step == (
        2,
        "",
        "osiris-inspect: --step: no step 'nope'; the runs have extract-movies, compute-stats, write-stats\n",
    )
    assert no_run[0] == 3
    assert unwritable[0] == 2
    assert unwritable[2].startswith("osiris-inspect: --output: ")


def test_one_run_is_compared_with_last_success(tmp_path: Path) -> None:
    for story, name in (("good_local", "run_1795381934213"), ("killed_worker", "run_1795381937075")):
        shutil.copytree(SAMPLES / story / name, tmp_path / "logs" / name)
    named, alone = call(tmp_path, ["diff", "@failed"], ["diff", "logs/run_1795381934213"])
    assert named[0] == 1
    assert named[1].startswith("≠ run_1795381937075")
    assert alone[0] == 3
    assert "no successful run of 'director-stats' before run_1795381934213" in alone[2]


def test_unstable_steps_of_settings_do_not_diverge(tmp_path: Path) -> None:
    other = tmp_path / "run_1795381934999"
    shutil.copytree(SAMPLES / "good_local" / "run_1795381934213", other)
    log = other / "events.jsonl"
    log.write_text(log.read_text().replace("ab876da7a232bfb42bf91cf7f4997c70", "0" * 32))
    (before,) = call(tmp_path, ["diff", GOOD, str(other)])
    assert before[0] == 1
    (tmp_path / ".osiris-inspect.toml").write_text('[diff]\nunstable = ["extract-*"]\n')
    (after,) = call(tmp_path, ["diff", GOOD, str(other)])
    assert after[0] == 0
    (tmp_path / ".osiris-inspect.toml").write_text("[diff]\nstable = []\n")
    (wrong,) = call(tmp_path, ["diff", GOOD, str(other)])
    assert (wrong[0], wrong[2]) == (2, "osiris-inspect: .osiris-inspect.toml: [diff] takes only unstable\n")


def spilled_pair(tmp_path: Path) -> tuple[str, str]:
    """Return a spilled run, and a copy whose first frame has another title in row 4."""
    run = SAMPLES / "all_spilled" / "run_1795381935022"
    other = tmp_path / "run_1795381935999"
    shutil.copytree(run, other)
    file = other / "artifacts" / "extract-movies" / "output.parquet"
    table = parquet.read_table(file)
    titles = table["title"].to_pylist()
    titles[3] = "Another"
    parquet.write_table(table.set_column(1, "title", pa.array(titles, table["title"].type)), file)
    log = other / "events.jsonl"
    log.write_text(log.read_text().replace("ab876da7a232bfb42bf91cf7f4997c70", "0" * 32))
    return str(run), str(other)


def test_frames_show_changed_cell(tmp_path: Path) -> None:
    runs = spilled_pair(tmp_path)
    shown, none, document, with_values, markdown = call(
        tmp_path,
        ["diff", *runs],
        ["diff", *runs, "--no-frames"],
        ["diff", *runs, "--format", "json"],
        ["diff", *runs, "--format", "json", "--show-values", "--key", "id"],
        ["diff", *runs, "--format", "markdown"],
    )
    lines = shown[1].splitlines()
    assert "frame of extract-movies: 14 rows: 1 changed (by position)" in lines
    assert any(line.startswith("  ~ row 4 title ") and line.endswith(" → Another") for line in lines)
    assert "frame of" not in none[1]
    frame = json.loads(document[1])["frames"]["extract-movies"]
    assert (frame["changed"], frame["cells"], frame["method"]) == (1, {"title": 1}, "position")
    assert "Another" not in document[1] + markdown[1]
    (row,) = json.loads(with_values[1])["frames"]["extract-movies"]["samples"]
    assert row["cells"]["title"][1] == "Another"
    assert "- changed cells: `title 1`" in markdown[1].splitlines()


def test_wrong_options_of_frames_are_one_line(tmp_path: Path) -> None:
    runs = spilled_pair(tmp_path)
    key, tolerance, both = call(
        tmp_path,
        ["diff", *runs, "--key", "nope"],
        ["diff", *runs, "--tolerance", "-1"],
        ["diff", *runs, "--frames", "--no-frames"],
    )
    assert (key[0], key[2]) == (
        2,
        "osiris-inspect: --key: no column 'nope' in both frames; they share id, title, director, rating\n",
    )
    assert tolerance == (2, "", "osiris-inspect: --tolerance: '-1' is not a number from 0, such as 1e-9\n")
    assert both == (2, "", "osiris-inspect: --frames: not together with --no-frames\n")


def test_frames_that_were_not_kept_are_named(tmp_path: Path) -> None:
    (done,) = call(tmp_path, ["diff", GOOD, spilled_pair(tmp_path)[1], "--frames"])
    assert done[2].splitlines() == [
        "osiris-inspect: the frames of 'extract-movies' are not compared: not kept by run_1795381934213"
    ]


def test_same_rows_in_other_order_do_not_diverge(tmp_path: Path) -> None:
    run, other = spilled_pair(tmp_path)
    file = Path(other) / "artifacts" / "extract-movies" / "output.parquet"
    table = parquet.read_table(Path(run) / "artifacts" / "extract-movies" / "output.parquet")
    parquet.write_table(table.take(list(reversed(range(table.num_rows)))), file)
    (done,) = call(tmp_path, ["diff", run, other])
    assert (done[0], done[2]) == (0, "")


def series(tmp_path: Path) -> None:
    """Make a folder of four runs: a success, the same again, a failure, and the success again."""
    stories = (("good_local", "run_1795381934213"), ("killed_worker", "run_1795381937075"))
    for number, (story, name) in enumerate((stories[0], stories[0], stories[1], stories[0])):
        shutil.copytree(SAMPLES / story / name, tmp_path / "logs" / f"run_179538193{number}000")


def test_history_lists_runs_in_which_step_changed(tmp_path: Path) -> None:
    series(tmp_path)
    text, lines, unknown = call(
        tmp_path,
        ["history", "logs", "compute-stats"],
        ["history", "logs", "extract-movies", "--format", "json"],
        ["history", "logs", "nope"],
    )
    shown = text[1].splitlines()
    assert shown[0] == "compute-stats: 2 changes in 4 runs"
    assert [line.split()[0] for line in shown[1:]] == ["✓", "✗", "✓"]
    assert "(+1 the same)" in shown[1]
    assert shown[2].endswith("succeeded (3 rows) → failed  [configuration query]")
    (only,) = map(json.loads, lines[1].splitlines())
    assert (only["run"], only["same_runs"], only["changes"]) == ("run_1795381930000", 3, [])
    assert (
        unknown[0],
        unknown[2].startswith("osiris-inspect: STEP: no step 'nope'; the run has extract"),
    ) == (2, True)


def test_runs_since_green_names_first_divergence(tmp_path: Path) -> None:
    series(tmp_path)
    (done,) = call(tmp_path, ["runs", "logs", "--since-green", "--json"])
    found = [json.loads(line)["since_green"] for line in done[1].splitlines()]
    assert found == ["= all", "compute-stats: query", "= all", None]
