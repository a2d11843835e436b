import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally

ROOT = Path(__file__).parents[2]


def osiris_inspect(
    *arguments: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **variables}
    command = [sys.executable, "-m", "osiris_inspect", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_success_exits_with_0_and_says_so(tmp_path: Path) -> None:
    done = osiris_inspect("summarize", run_dir(tmp_path, succeeding_locally(), steps=CHAIN))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("✓ run_1759170586030")


def test_failed_run_exits_with_1(tmp_path: Path) -> None:
    done = osiris_inspect("summarize", run_dir(tmp_path, failing_locally("boom"), steps=CHAIN))
    assert (done.returncode, done.stderr) == (1, "")


def test_path_that_is_not_there_exits_with_3_and_one_line(tmp_path: Path) -> None:
    done = osiris_inspect("summarize", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", ["empty", "file", "other"])
def test_place_without_a_run_exits_with_3_and_one_line(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("x")
    else:
        place.mkdir()
    if kind == "other":
        (place / "notes.txt").write_text("x")
    done = osiris_inspect("summarize", place)
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1
    assert "place" in done.stderr


def test_run_of_junk_alone_exits_with_3(tmp_path: Path) -> None:
    assert osiris_inspect("summarize", run_dir(tmp_path, [b"junk\n"])).returncode == 3


def test_bad_path_does_not_keep_the_others_from_being_told(tmp_path: Path) -> None:
    good = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    done = osiris_inspect("summarize", "--format", "json", tmp_path / "nowhere", good)
    assert done.returncode == 1
    assert [run["run"] for run in json.loads(done.stdout)["runs"]] == [good.name]


def test_directory_of_runs_is_told_run_by_run_newest_first(tmp_path: Path) -> None:
    for name in ("run_1759170586030", "run_1759170586999"):
        run_dir(tmp_path, succeeding_locally(), name=name)
    done = osiris_inspect("summarize", "--format", "json", tmp_path)
    assert [run["run"] for run in json.loads(done.stdout)["runs"]] == [
        "run_1759170586999",
        "run_1759170586030",
    ]


def test_text_keeps_the_order_of_named_runs_and_ends_folders_with_the_newest(tmp_path: Path) -> None:
    names = [f"run_17591705860{number}" for number in range(30, 50)]  # more than are kept in memory
    for name in names:
        run_dir(tmp_path, succeeding_locally(), name=name)

    def order(*words: str) -> list[str]:
        done = osiris_inspect("summarize", "--format", "text", *(str(tmp_path / word) for word in words))
        return re.findall(r"^. (run_\d+) ", done.stdout, re.MULTILINE)

    assert order(names[3], names[1], names[2]) == [names[3], names[1], names[2]]
    assert order(".") == sorted(names)
    assert order("run_*") == sorted(names)
    assert order(names[2], ".") == [names[2], *sorted(set(names) - {names[2]})]


def test_latest_of_a_pattern_is_its_newest_run(tmp_path: Path) -> None:
    for name in ("run_1759170586030", "run_1759170586999"):
        run_dir(tmp_path, succeeding_locally(), name=name)
    done = osiris_inspect("summarize", "--format", "json", tmp_path / "run_*", "--latest")
    assert [run["run"] for run in json.loads(done.stdout)["runs"]] == ["run_1759170586999"]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("never", 0)])
def test_warning_fails_only_where_asked(tmp_path: Path, fail_on: str, code: int) -> None:
    lines = succeeding_locally()
    lines[4]["rows"] = 0
    run = run_dir(tmp_path, lines, steps=CHAIN)
    assert osiris_inspect("summarize", run, "--fail-on", fail_on).returncode == code


@pytest.mark.parametrize("option", [("--fail-on", "never"), ("--exit-zero",)])
def test_failed_run_can_be_told_without_failing(tmp_path: Path, option: tuple[str, ...]) -> None:
    run = run_dir(tmp_path, failing_locally("boom"), steps=CHAIN)
    assert osiris_inspect("summarize", run, *option).returncode == 0


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    done = osiris_inspect("summarize", run, "--format", "json", "--output", tmp_path / "out.json")
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "out.json").read_text())["schema_version"] == 1


@pytest.mark.parametrize(
    "arguments", [("--format", "xml"), ("--output", "/nowhere/at/all"), ("--fail-on", "sometimes")]
)
def test_wrong_use_exits_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    assert osiris_inspect("summarize", run, *arguments).returncode == 2


def test_pipe_gets_no_color_unless_asked(tmp_path: Path) -> None:
    run = run_dir(tmp_path, failing_locally("boom"), steps=CHAIN)
    assert "\x1b" not in osiris_inspect("summarize", run).stdout
    assert "\x1b" in osiris_inspect("summarize", run, "--color", "always").stdout


def test_terminal_of_another_encoding_gets_ascii_symbols(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    done = osiris_inspect("summarize", run, PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0
    assert done.stdout.startswith("+ run_1759170586030")


def test_summary_of_a_new_run_loads_no_package_that_is_slow_to_import(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "oml_version: 0.1.0\nname: p\nsteps:\n- {id: read, component: filesystem.csv_extractor, mode: read, config: {path: a.csv}}\n"
    )
    (tmp_path / "a.csv").write_text("n\n1\n")
    assert osiris_inspect("run", tmp_path / "p.yaml", "--logs", tmp_path / "logs").returncode == 0
    code = (
        "import sys; sys.argv = ['osiris-inspect', 'summarize', sys.argv[1]]\n"
        "from osiris_inspect.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'yaml', 'platformdirs', 'tempfile', 'typer', 'asyncio'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "logs")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (0, "[]")


@pytest.mark.parametrize("arguments", [["--help"], ["summarize", "RUN"], ["rules"]])
def test_no_heavy_package_is_loaded(tmp_path: Path, arguments: list[str]) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN)
    given = [str(run) if argument == "RUN" else argument for argument in arguments]
    code = (
        "import sys; sys.argv = ['osiris-inspect', *sys.argv[1:]]\n"
        "from osiris_inspect.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'pandas', 'pyarrow', 'textual', 'duckdb', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *given],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (0, "[]")
