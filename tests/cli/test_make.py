"""``compile``, ``run`` and ``demo`` from outside, good input and bad."""

from pathlib import Path

import orjson
import pytest

from tests.cli.shell import everything_below, osiris_inspect
from tests.runtime.pipelines import STATS, TWO_BRANCHES, with_movies


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


def test_a_flag_wins_over_its_variable(work: Path) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--no-force-spill", cwd=work, env={"E2B_FORCE_SPILL": "1"})
    assert not list((work / done.out.strip()).glob("artifacts/*/output.parquet"))


def test_a_variable_that_cannot_be_is_said_before_anything_is_written(work: Path) -> None:
    done = osiris_inspect("run", "pipeline.yaml", cwd=work, env={"E2B_SPILL_THRESHOLD": "many"})
    assert done.code == 2
    assert done.err == "osiris-inspect: E2B_SPILL_THRESHOLD is 'many'; it takes a whole number from 0\n"
    assert not list(work.glob("logs/*"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("path: movies.csv", "pth: movies.csv"),
            "pipeline.yaml:7:14: filesystem.csv_extractor has no key 'pth'",
        ),
        (("needs: [extract-movies]", "needs: [write-stats]"), "steps need each other in a circle"),
        (
            ("id: extract-movies", "id: ../../escape"),
            "pipeline.yaml:4:9: step id '../../escape' is no file name",
        ),
        (("name: director-stats", "name: ["), "pipeline.yaml:"),
    ],
    ids=["unknown key", "cycle", "step id with ../", "no YAML"],
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
    assert done.err == "osiris-inspect: cannot read the pipeline nope.yaml: No such file or directory\n"


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
            "--memory-limit is 'much'; it takes bytes, or a size such as 500MB, 2GB or 1.5GiB",
        ),
        ("sandbox", "-1GB", "--memory-limit is '-1GB'; it takes bytes"),
        ("sandbox", "2 parsec", "--memory-limit is '2 parsec'; it takes bytes"),
        ("sandbox", "100MB", "--memory-limit 100MB is less than a worker needs to start: 768 MiB"),
        ("local", "2GB", "--memory-limit bounds a worker process; it goes with --on sandbox"),
    ],
)
def test_a_memory_limit_that_cannot_be_is_said_before_anything_runs(
    work: Path, on: str, size: str, said: str
) -> None:
    done = osiris_inspect("run", "pipeline.yaml", "--on", on, "--memory-limit", size, cwd=work)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_logs_folder_that_cannot_be_is_a_usage_error(work: Path) -> None:
    (work / "taken").write_text("a file")
    done = osiris_inspect("run", "pipeline.yaml", "--logs", "taken/logs", cwd=work)
    assert done.code == 2
    assert "cannot write to the logs folder taken/logs: Not a directory" in done.err


def test_demo_makes_three_runs_and_reports_the_broken_one(tmp_path: Path) -> None:
    done = osiris_inspect("demo", cwd=tmp_path)
    assert done.code == 0
    assert len(list(tmp_path.glob("osiris-demo/logs/run_*"))) == 3
    assert "column 'ratings' does not exist" in done.out
    assert (tmp_path / "osiris-demo/director_stats.csv").read_text().splitlines()[
        1
    ] == "Mei Tanaka,3,8.2,967366"
    assert not (tmp_path / "osiris-demo/director_stats_broken.csv").exists()
