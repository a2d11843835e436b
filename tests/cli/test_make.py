"""``compile``, ``run`` and ``demo`` from outside, good input and bad."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.cli.shell import everything_below, osiris_inspect
from tests.runtime.pipelines import STATS, TWO_BRANCHES, with_movies
from tests.runtime.runs import needs_program

pytestmark = pytest.mark.sampled(3)

OVERWRITTEN = """\
oml_version: "0.1.0"
name: overwritten
steps:
  - {id: read, component: filesystem.csv_extractor, config: {path: movies.csv}}
  - {id: save, component: filesystem.csv_writer, needs: [read], config: {path: stats.csv}}
  - {id: again, component: filesystem.csv_writer, needs: [read], config: {path: stats.csv}}
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "pipeline.yaml").write_text(STATS)
    return with_movies(tmp_path)


def test_compile_prints_the_folder_it_wrote(work: Path) -> None:
    done = osiris_inspect("compile", "pipeline.yaml", cwd=work)
    assert done.code == 0
    assert sorted(everything_below(work / done.out.strip())) == [
        "cfg/compute-stats.json",
        "cfg/extract-movies.json",
        "cfg/write-stats.json",
        "manifest.yaml",
    ]


@pytest.mark.parametrize("on", ["local", "sandbox"])
def test_run_prints_the_run_directory_alone_on_stdout(work: Path, on: str) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--on", on, cwd=work)
    assert done.code == 0
    assert orjson.loads((work / done.out.strip() / "status.json").read_bytes())["ok"] is True
    assert (work / "stats.csv").read_text().splitlines()[0] == "director,movies"


def test_a_failed_run_says_how_to_see_why_and_ends_with_1(work: Path) -> None:
    (work / "pipeline.yaml").write_text(TWO_BRANCHES)
    done = osiris_inspect("run", "pipeline.yaml", "--quiet", cwd=work)
    path = done.out.strip()
    assert done.code == 1
    assert done.err == f"osiris-inspect: step 'broken' failed; osiris-inspect {path} shows why\n"


def test_a_failed_run_ends_with_its_cause_and_fix(work: Path) -> None:
    (work / "pipeline.yaml").write_text(TWO_BRANCHES)
    done = osiris_inspect("run", "pipeline.yaml", cwd=work)
    report = orjson.loads(osiris_inspect("summarize", done.out.strip(), "--format", "json", cwd=work).out)
    cause = report["runs"][0]["findings"][0]
    cause_line, fix_line, last = done.err.splitlines()[-3:]
    assert cause_line.startswith(f"osiris-inspect: cause {cause['rule']} broken: ")
    assert fix_line == f"osiris-inspect:     fix  {cause['fix']}"
    assert last.endswith("shows why")


def test_run_prints_the_warnings_of_a_success_with_their_fix(work: Path) -> None:
    (work / "pipeline.yaml").write_text(OVERWRITTEN)
    done = osiris_inspect("run", "pipeline.yaml", "--quiet", cwd=work)
    assert done.code == 0
    assert done.err.splitlines() == [
        "osiris-inspect: ! target-overwritten again: wrote 14 rows to 'stats.csv', which destroyed the 14 rows that 'save' had written",
        "osiris-inspect:     fix  give each writer its own target, or append the frames and write them once",
    ]
    listed = osiris_inspect("runs", "logs", cwd=work).out.splitlines()[1]
    assert listed.startswith("!")
    assert "warning: again: wrote 14 rows" in listed


def test_a_flag_wins_over_its_variable(work: Path) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--no-force-spill", cwd=work, env={"E2B_FORCE_SPILL": "1"})
    assert not list((work / done.out.strip()).glob("artifacts/*/output.parquet"))


def test_a_variable_that_cannot_be_is_said_before_anything_is_written(work: Path) -> None:
    done = osiris_inspect("run", "pipeline.yaml", cwd=work, env={"E2B_SPILL_THRESHOLD": "many"})
    assert done.code == 2
    assert (
        done.err
        == "osiris-inspect: invalid E2B_SPILL_THRESHOLD: 'many'; use an integer from 0 to 9223372036854775807\n"
    )
    assert not list(work.glob("logs/*"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("path: movies.csv", "pth: movies.csv"),
            "pipeline.yaml:7:14: unknown key 'pth' for filesystem.csv_extractor",
        ),
        (("needs: [extract-movies]", "needs: [write-stats]"), "steps need each other in a cycle"),
        (
            ("id: extract-movies", "id: ../../escape"),
            "pipeline.yaml:4:9: step id '../../escape' is invalid",
        ),
        (("name: director-stats", "name: ["), "pipeline.yaml:"),
    ],
    ids=["unknown key", "cycle", "step id with ../", "invalid YAML"],
)
@pytest.mark.parametrize("command", ["compile", "run"])
def test_a_bad_pipeline_is_named_with_its_line_and_nothing_is_written(
    work: Path, command: str, change: tuple[str, str], said: str
) -> None:
    (work / "pipeline.yaml").write_text(STATS.replace(*change))
    before = everything_below(work)
    done = osiris_inspect(command, "pipeline.yaml", cwd=work)
    assert done.code == 1
    assert said in done.err
    assert "Traceback" not in done.err
    assert everything_below(work) == before


@pytest.mark.parametrize("command", ["compile", "run"])
def test_a_pipeline_that_is_not_there_is_a_usage_error(work: Path, command: str) -> None:
    done = osiris_inspect(command, "nope.yaml", cwd=work)
    assert (done.code, done.out) == (2, "")
    assert (
        done.err
        == "osiris-inspect: cannot read the pipeline nope.yaml: No such file or directory; check the path and its permissions\n"
    )


def test_misspelled_pipeline_is_suggested(work: Path) -> None:
    done = osiris_inspect("run", "pipelin.yml", cwd=work)
    assert done.err.endswith("pipelin.yml: No such file or directory; did you mean 'pipeline.yaml'?\n")
    done = osiris_inspect("run", ".", cwd=work)
    assert done.err == (
        "osiris-inspect: cannot read the pipeline .: Is a directory; name a file in it, such as pipeline.yaml\n"
    )


def test_a_memory_limit_is_given_as_people_write_it_and_stands_in_the_log(work: Path) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--on", "sandbox", "--memory-limit", "2.5GB", cwd=work)
    assert done.code == 0, done.err
    events = map(orjson.loads, (work / done.out.strip() / "events.jsonl").read_bytes().splitlines())
    (started,) = [event for event in events if event["event"] == "worker_started"]
    assert started["memory_limit_bytes"] == 2_500_000_000


@pytest.mark.parametrize(
    ("on", "size", "said"),
    [
        (
            "sandbox",
            "much",
            "invalid --memory-limit: 'much' is not a size; use bytes, or a size such as 500MB, 2GB or 1.5GiB",
        ),
        ("sandbox", "-1GB", "invalid --memory-limit: '-1GB' is not a size"),
        ("sandbox", "2 parsec", "invalid --memory-limit: '2 parsec' is not a size"),
        ("sandbox", "100MB", "--memory-limit 100MB is less than a worker needs to start: 768 MiB"),
        ("local", "2GB", "--memory-limit limits a worker process; it needs --on sandbox"),
    ],
)
def test_a_memory_limit_that_cannot_be_is_said_before_anything_runs(
    work: Path, on: str, size: str, said: str
) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--on", on, "--memory-limit", size, cwd=work)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_memory_limit_beyond_all_memory_is_said_before_anything_runs(work: Path) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--on", "sandbox", "--memory-limit", "9999999TB", cwd=work)
    assert (done.code, done.out) == (2, "")
    assert "--memory-limit 9999999TB is more than the maximum" in done.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("E2B_SPILL_THRESHOLD", "99999999999999999999999999"),
        ("E2B_SPILL_THRESHOLD", "9" * 5000),
        ("E2B_SPILL_MEMORY_BYTES", "9223372036854775808"),
    ],
)
def test_a_number_that_no_file_holds_is_said_in_one_line(work: Path, name: str, value: str) -> None:
    done = osiris_inspect("run", "pipeline.yaml", cwd=work, env={name: value})
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"osiris-inspect: invalid {name}: '9")
    assert done.err.endswith("; use an integer from 0 to 9223372036854775807\n")
    assert not list(work.glob("logs/*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pipeline.yaml", "--param", b"a=\xff"), "--param 'a=?'"),
        (("pipeline.yaml", "--logs", b"\xff"), "--logs '?'"),
        ((b"\xff.yaml",), "the pipeline '?.yaml'"),
    ],
)
def test_bytes_that_are_no_text_are_said(work: Path, words: tuple[str | bytes, ...], said: str) -> None:
    before = everything_below(work)
    done = osiris_inspect("run", *map(os.fsdecode, words), cwd=work)
    assert (done.code, done.err) == (2, f"osiris-inspect: {said} is not UTF-8; rename it\n")
    assert everything_below(work) == before


def test_what_was_masked_by_compile_is_not_run_from_there(work: Path) -> None:
    (work / "pipeline.yaml").write_text(
        STATS.replace("FROM input_df", "FROM input_df WHERE 'token' <> 'x' OR password = 'abc12345'")
    )
    assert osiris_inspect("compile", "pipeline.yaml", cwd=work).code == 0
    done = osiris_inspect("run", "--last-compile", cwd=work)
    assert (done.code, done.out) == (1, "")
    assert "cannot run step 'compute-stats' from disk: 'query' looked like a secret" in done.err
    assert not list(work.glob("logs/run_*"))


def test_what_was_compiled_is_run_from_there(work: Path) -> None:
    assert osiris_inspect("compile", "pipeline.yaml", cwd=work).code == 0
    done = osiris_inspect("run", "--last-compile", cwd=work)
    assert done.code == 0, done.err
    assert (work / "stats.csv").exists()


ON_A_FULL_DISK = """
mount -t tmpfs -o size=128k tmpfs disk && cp pipeline.yaml movies.csv disk && cd disk && mkdir logs
head -c 200k /dev/zero >full 2>/dev/null
{then}
for command in "compile pipeline.yaml" "run pipeline.yaml" "demo"; do
  {python} -m osiris_inspect $command; echo "code $?"
done
find logs
"""


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ("true", "No space left on device"),
        ("cd .. && mount -o remount,ro disk && cd disk", "Read-only file system"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_takes_nothing_is_said_in_one_line_and_nothing_is_left(
    work: Path, then: str, why: str
) -> None:
    needs_program("unshare")
    (work / "disk").mkdir()
    script = ON_A_FULL_DISK.format(then=then, python=sys.executable)
    command = ["unshare", "-Urm", "sh", "-c", script]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=120)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"this kernel lets nobody mount: {done.stderr.strip()}")
    assert done.stdout.split("\n") == ["code 2", "code 2", "code 2", "logs", ""]
    assert done.stderr.splitlines() == [
        f"osiris-inspect: cannot write to the logs folder logs: {why}; choose another with --logs",
        f"osiris-inspect: cannot create a run directory in 'logs': {why}; choose another folder with --logs",
        f"osiris-inspect: cannot write the demo to osiris-demo: {why}; choose another folder: osiris-inspect demo FOLDER",
    ]


def test_a_logs_folder_that_cannot_be_is_a_usage_error(work: Path) -> None:
    (work / "taken").write_text("a file")
    done = osiris_inspect("run", "pipeline.yaml", "--logs", "taken/logs", cwd=work)
    assert done.code == 2
    assert "cannot write to the logs folder taken/logs: Not a directory" in done.err


def test_demo_makes_three_runs_and_reports_the_broken_one(tmp_path: Path) -> None:
    done = osiris_inspect("demo", cwd=tmp_path)
    assert done.code == 0
    assert len(list(tmp_path.glob("osiris-demo/logs/run_*"))) == 3
    assert 'column "ratings" not found' in done.out
    assert (tmp_path / "osiris-demo/director_stats.csv").read_text().splitlines()[
        1
    ] == "Mei Tanaka,3,8.2,967366"
    assert not (tmp_path / "osiris-demo/director_stats_broken.csv").exists()
