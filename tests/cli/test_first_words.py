"""The verdict before the framework: what stands on the terminal first, and that little is needed for it."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from osiris_inspect.cli.startup import instant_verdict as first_words
from tests.inspector.generated import FAULTS, cases, make
from tests.inspector.making import failing_locally, local, native, run_dir, succeeding_locally, worker
from tests.samples import SAMPLES, runs

pytestmark = pytest.mark.sampled(3)

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
PROGRAM = Path(sys.executable).with_name("osiris-inspect")
AGREES = {
    "success": {"success"},
    "success_but_wrong": {"success"},
    "failed": {"failed"},
    "compile_failed": {"failed"},
    "truncated": {"failed", "open"},
}


def test_documented_failure_names_its_first_failed_step() -> None:
    (run,) = (SAMPLES / "original_nonetype").glob("run_*")
    verdict, cause = first_words.verdict_lines(str(run))
    assert verdict == "✗ failed  run_1759170586030"
    assert cause.startswith("  compute-director-stats: DuckDB transformation failed")


@pytest.mark.parametrize("run", runs(), ids=lambda run: run.parent.name)
def test_words_on_a_sample_agree_with_the_reader(run: Path) -> None:
    from osiris_inspect.inspector.reader.loader import load

    says = "✓ succeeded" if load(run).status == "success" else "✗ failed"
    assert first_words.verdict_lines(str(run))[0].startswith(says)


@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_words_on_generated_run_agree_with_reader(tmp_path: Path, fault: str) -> None:
    from osiris_inspect.inspector.reader.loader import load

    case = next(case for case in cases() if case.fault.name == fault and case.noise == "none")
    run = make(case, tmp_path)
    has_failed = load(run).status == "failed"
    assert first_words.verdict_lines(str(run))[0].startswith("✗ failed") == has_failed


def test_words_name_error_closest_to_cause(tmp_path: Path) -> None:
    run = run_dir(tmp_path, [local("run_error", error="it failed"), local("execute_error", error="boom")])
    assert first_words.verdict_lines(str(run))[1] == "  boom"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real runs is not on this machine")
def test_words_agree_with_the_truth_on_every_real_run() -> None:
    wrong = []
    for line in (CORPUS / "labels.jsonl").read_text().splitlines():
        label = json.loads(line)
        verdict = first_words.verdict_lines(str(CORPUS / label["case"] / label["run"]))[0]
        said = {"✓": "success", "✗": "failed", "…": "open"}[verdict[0]]
        if said not in AGREES[label["truth"]]:
            wrong.append((label["case"], said, label["truth"]))
    assert not wrong


@pytest.mark.parametrize(
    ("events", "first"),
    [
        ([local("step_error", step_id="a", error="boom"), local("run_end")], "✗ failed"),
        ([worker("step_failed", step_id="a", error={"message": "boom"})], "✗ failed"),
        ([native("run_error", error="boom"), native("run_end")], "✗ failed"),
        ([native("run_start"), native("run_end", status="success")], "✓ succeeded"),
        ([native("spill_failed", step_id="a", error="full"), native("run_end")], "✓ succeeded"),
        ([native("step_failed", step_id="a")], "✗ failed"),
        ([native("execution_error_mapped", message="boom"), native("run_end")], "✓ succeeded"),
        ([native("run_start"), native("step_start", step_id="a")], "… has not ended"),
        ([b"\0" * 99, b"{torn"], "… has not ended"),
        ([b"[1, 2, 3]", b'"step_failed"', b'{"event": ["step_failed"]}'], "… has not ended"),
        ([], "… has not ended"),
    ],
)
def test_every_dialect_and_any_bytes_give_a_verdict(tmp_path: Path, events: list[object], first: str) -> None:
    run = run_dir(tmp_path, events)  # type: ignore[arg-type]  # some are no events at all
    assert first_words.verdict_lines(str(run))[0].startswith(first)


def test_status_alone_gives_a_verdict(tmp_path: Path) -> None:
    run = run_dir(tmp_path, None, files={"status.json": {"ok": False, "reason": "no space left"}})
    assert first_words.verdict_lines(str(run)) == [
        "✗ failed  run_1759170586030",
        "  status.json: no space left",
    ]


def test_failure_far_from_the_end_of_a_long_log_is_found(tmp_path: Path) -> None:
    beat = json.dumps(native("heartbeat", step_id="b", text="x" * 400)).encode() + b"\n"
    failure = json.dumps(native("step_failed", step_id="a", error="boom")).encode() + b"\n"
    run = run_dir(tmp_path)
    (run / "events.jsonl").write_bytes(beat * 100 + failure + beat * 10_000 + b'{"event": "run_end"}\n')
    assert first_words.verdict_lines(str(run))[1] == "  a: boom"


@pytest.mark.parametrize("size", range(first_words.TAIL_BYTES - 3, first_words.TAIL_BYTES + 4))
def test_failure_that_lies_across_two_blocks_is_read_whole(tmp_path: Path, size: int) -> None:
    failure = json.dumps({"event": "step_failed", "step_id": "a", "error": "boom"}).encode() + b"\n"
    run = run_dir(tmp_path)
    padding = b" " * (size - len(failure) // 2) + b"\n"
    (run / "events.jsonl").write_bytes(b'{"event": "run_start"}\n' + failure + padding)
    assert first_words.verdict_lines(str(run))[1] == "  a: boom"


def test_secrets_are_masked_and_control_characters_do_nothing(tmp_path: Path) -> None:
    error = "mysql://root:hunter2hunter2@db \x1b[2J\x1b]0;title\x07\r\n\u202e evil"
    run = run_dir(tmp_path, [native("step_failed", step_id="a\x1b[31m", error=error)])
    shown = "\n".join(first_words.verdict_lines(str(run)))
    assert "hunter2" not in shown
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(shown)
    assert len(shown.splitlines()) == 2


@pytest.mark.parametrize("file", ["events.jsonl", "status.json"])
@pytest.mark.parametrize("place", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_words_do_not_wait_for_a_pipe(tmp_path: Path, file: str, place: Callable[[Path], None]) -> None:
    run = run_dir(tmp_path, failing_locally("boom"), files={"status.json": {"ok": False, "reason": "boom"}})
    (run / file).unlink()
    place(run / file)
    assert first_words.verdict_lines(str(run))[0].startswith("✗ failed")


def test_words_of_a_link_out_of_the_run_are_not_shown(tmp_path: Path) -> None:
    other = run_dir(tmp_path / "other", failing_locally("outside"))
    run = run_dir(tmp_path, None, files={"manifest.yaml": "name: x"})
    (run / "events.jsonl").symlink_to(other / "events.jsonl")
    assert first_words.verdict_lines(str(run)) == ["… has not ended  run_1759170586030"]


def test_deep_line_is_left_to_the_screen(tmp_path: Path) -> None:
    deep = b'{"event": "step_failed", "a": ' + b"[" * 3000 + b"]" * 3000 + b"}"
    status = '{"a":' * 3000 + "1" + "}" * 3000
    run = run_dir(tmp_path, [*failing_locally("boom"), deep], files={"status.json": status})
    assert first_words.verdict_lines(str(run)) == ["✗ failed  run_1759170586030", "  extract: boom"]


def test_terminal_opens_on_hostile_run(tmp_path: Path) -> None:
    deep = b'{"event": "step_failed", "a": ' + b"[" * 3000 + b"]" * 3000 + b"}"
    run = run_dir(tmp_path, [deep])
    os.mkfifo(run / "status.json")
    seen = on_a_terminal(str(run), until=b"nested too deep", cwd=tmp_path)
    assert b"nested too deep" in seen
    assert b"Traceback" not in seen


def test_newest_run_of_a_folder_is_spoken_of(tmp_path: Path) -> None:
    run_dir(tmp_path, failing_locally("boom"), name="run_999999999999")
    newest = run_dir(tmp_path, succeeding_locally(), name="run_1759170586999")
    (tmp_path / "run_1800000000000").mkdir()
    assert first_words.find_run(str(tmp_path)) == str(newest)


def test_folder_without_runs_gives_no_words(tmp_path: Path) -> None:
    assert first_words.find_run(str(tmp_path)) is None
    assert first_words.find_run(str(tmp_path / "nothing")) is None


def on_a_terminal(*arguments: str, until: bytes, cwd: Path, **environment: str) -> bytes:
    """What the program writes to a terminal until ``until`` is seen, or it ends; then it is ended."""
    mine, its = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [PROGRAM, *arguments],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=cwd,
        env=clean | {"TERM": "xterm"} | environment,
    )
    os.close(its)
    seen = b""
    try:
        while until not in seen and select.select([mine], [], [], 30)[0]:
            seen += os.read(mine, 65_536)
    except OSError:
        pass  # the other end of a terminal is closed: the program ended
    finally:
        process.kill()
        process.wait()
        os.close(mine)
    return seen


def test_words_come_first_and_the_screen_without_a_blank_between(tmp_path: Path) -> None:
    run = run_dir(tmp_path, failing_locally("boom"))
    seen = on_a_terminal(str(run), until=b"\x1b[1;1H", cwd=tmp_path)
    assert seen.startswith("\x1b[1;31m✗ failed\x1b[0m  run_1759170586030\r".encode())
    before, entered, picture = seen.partition(b"\x1b[?1049h")
    assert entered
    assert picture.startswith((b"\x1b[1;1H", b"\x1b[>"))
    assert b"\x1b[2J" not in before


def test_without_color_the_words_are_plain(tmp_path: Path) -> None:
    run = run_dir(tmp_path, failing_locally("boom"))
    seen = on_a_terminal(str(run), until=b"\n", cwd=tmp_path, NO_COLOR="1")
    assert seen.startswith("✗ failed  run_1759170586030\r".encode())


@pytest.mark.parametrize("arguments", [("--help",), ("rules",), ("summarize", "logs")])
def test_other_commands_get_no_words(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    run_dir(tmp_path / "logs", failing_locally("boom"))
    seen = on_a_terminal(*arguments, until=b"\n", cwd=tmp_path)
    assert "✗ failed  run_" not in seen.decode(errors="replace").splitlines()[0]


def test_a_dumb_terminal_and_a_pipe_get_no_words(tmp_path: Path) -> None:
    run = run_dir(tmp_path, failing_locally("boom"))
    assert on_a_terminal(str(run), until=b"\n", cwd=tmp_path, TERM="dumb").startswith("✗ run_".encode())
    done = subprocess.run(
        [PROGRAM, str(run)], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.stdout.startswith("✗ run_1759170586030")


def test_nothing_heavy_is_imported_for_the_words() -> None:
    code = "import sys; from osiris_inspect.cli.startup import instant_verdict; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "textual",
        "typer",
        "click",
        "rich",
        "pandas",
        "numpy",
        "pyarrow",
        "duckdb",
        "orjson",
        "yaml",
        "dataclasses",
    }
    assert not heavy & set(done.stdout.split())
