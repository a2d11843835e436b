"""Names of runs: ``@latest``, ``@failed``, ``@prev``, prefixes of run ids and files of a run."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.all_commands import Call, call_all
from tests.cli.shell import Done
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally

FAILED, OTHER, NEWEST = "run_1759170586030", "run_1759170600000", "run_1759170700000"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with three runs: one that failed, one of another pipeline, and the newest."""
    logs = tmp_path / "logs"
    run_dir(logs, failing_locally("boom"), steps=CHAIN, name=FAILED)
    other = {"manifest.yaml": "pipeline: {id: other}\nsteps: []\n"}
    run_dir(logs, succeeding_locally(), name=OTHER, files=other)
    run_dir(logs, succeeding_locally(), steps=CHAIN, name=NEWEST)
    return tmp_path


def call(here: Path, *lines: Sequence[str]) -> list[Done]:
    """Make several calls in one process, which is quicker."""
    calls = [Call(line) for line in lines]
    done = call_all(calls, here, {"XDG_CACHE_HOME": str(here / "cache")})
    return [Done(each.code, each.out.decode(), each.err.decode()) for each in done]


NAMES = (
    ("@latest", NEWEST),
    ("@failed", FAILED),
    ("@prev", FAILED),
    ("logs/@latest", NEWEST),
    ("logs/@failed", FAILED),
    ("run_17591705", FAILED),
    ("1759170600", OTHER),
    ("logs/run_17591707", NEWEST),
    (f"logs/{FAILED}/events.jsonl", FAILED),
    (f"logs/{FAILED}/manifest.yaml", FAILED),
    (f"logs/{FAILED}/artifacts/extract/notes.txt", FAILED),
)


def test_summarize_takes_each_name_of_a_run(here: Path) -> None:
    notes = here / "logs" / FAILED / "artifacts/extract/notes.txt"
    notes.parent.mkdir(parents=True)
    notes.touch()
    done = call(here, *(["summarize", name] for name, _ in NAMES))
    assert [(each.out.split()[1], each.err) for each in done] == [(run, "") for _, run in NAMES]


COMMANDS = (
    ["why", "RUN", "extract"],
    ["lineage", "RUN"],
    ["pack", "RUN"],
    ["events", "RUN"],
    ["sql", "RUN", "select count(*) from events"],
    ["summarize", "RUN"],
    ["explain", "RUN:disk-full"],
    ["open", "RUN"],
    ["runs", "RUN", "--json"],
    ["RUN"],
    ["--", "RUN"],
)


def test_every_command_takes_names(here: Path) -> None:
    by_path, *by_names = (
        call(here, *([word.replace("RUN", name) for word in command] for command in COMMANDS))
        for name in (f"logs/{FAILED}", "@failed", "run_17591705", f"logs/{FAILED}/events.jsonl")
    )
    assert all(done.out for done in by_path)
    for done in by_names:
        assert done == by_path


def test_prefix_of_several_runs_lists_them_newest_last(here: Path) -> None:
    (done,) = call(here, ["why", "run_1759"])
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"osiris-inspect: 'run_1759' is the beginning of 3 runs: logs/{FAILED}, logs/{OTHER}, logs/{NEWEST}; "
        "write more of it\n"
    )


def test_unknown_name_lists_the_names(here: Path) -> None:
    (done,) = call(here, ["why", "@last"])
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "osiris-inspect: unknown name '@last'; use @latest, @failed, @prev, or the beginning of a run id\n"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "@failed",
            "@failed: no failed run in 'logs'; osiris-inspect runs lists the runs, and @latest names the newest",
        ),
        ("@prev", f"@prev: no run of the pipeline of '{NEWEST}' before it in 'logs'"),
    ],
)
def test_name_of_no_run_says_which_run_is_missing(tmp_path: Path, name: str, says: str) -> None:
    run_dir(tmp_path / "logs", succeeding_locally(), name=NEWEST)
    (done,) = call(tmp_path, ["summarize", name])
    assert (done.code, done.out, done.err) == (3, "", f"osiris-inspect: {says}\n")


def test_folder_called_like_a_name_is_that_folder(here: Path) -> None:
    run_dir(here / "@latest", failing_locally("boom"), name="run_1111111111111")
    (done,) = call(here, ["summarize", "@latest"])
    assert done.out.split()[1] == "run_1111111111111"


def test_latest_of_both_log_folders_is_the_newest(here: Path) -> None:
    run_dir(here / "run_logs/dev/demo", succeeding_locally(), name="run_1759170800000")
    (done,) = call(here, ["summarize", "@latest"])
    assert done.out.split()[1] == "run_1759170800000"


def test_file_outside_of_a_run_is_not_a_run(here: Path) -> None:
    (here / "notes.txt").touch()
    (here / "manifest.yaml").touch()
    (done,) = call(here, ["summarize", "notes.txt"])
    assert done.code == 3
    assert "'notes.txt' is a file, not a run directory" in done.err


def test_events_of_a_log_file_are_of_that_file(here: Path) -> None:
    log = here / "logs" / FAILED / "metrics.jsonl"
    log.write_text('{"event": "metric", "ts": "2025-01-01T00:00:00Z"}\n')
    (done,) = call(here, ["events", str(log)])
    assert done.out.split()[3] == "metric"


NEXT_STEPS = "name a run, make some with osiris-inspect demo, or see osiris-inspect --help"


def test_no_run_here_is_the_same_for_every_command(tmp_path: Path) -> None:
    for done in call(tmp_path, [], ["open"], ["runs"], ["@latest"], ["why", "@failed"]):
        says = f"osiris-inspect: no run here: there is no folder logs or run_logs; {NEXT_STEPS}\n"
        assert (done.code, done.out, done.err) == (3, "", says)


def test_empty_log_folder_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for done in call(tmp_path, ["open"], ["summarize", "@prev"], ["runs"]):
        assert (done.code, done.out, len(done.err.splitlines())) == (3, "", 1)
        assert done.err.startswith("osiris-inspect: 'logs' contains no run")
        assert done.err.endswith(f"; {NEXT_STEPS}\n")
