import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from osiris_inspect.cli.inspect.events import CUT_OFF
from tests.cli.shell import Done, osiris_inspect
from tests.inspector.test_index import many
from tests.samples import SAMPLES, runs

RUN = SAMPLES / "original_nonetype" / "run_1759170586030"
BIG = 5 << 20


def events(*words: str | Path, cwd: Path) -> Done:
    return osiris_inspect("events", *words, cwd=cwd, env={"XDG_CACHE_HOME": str(cwd / "cache")})


def test_without_a_filter_every_event_is_a_line(tmp_path: Path) -> None:
    done = events(RUN, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) == len((RUN / "events.jsonl").read_text().splitlines())
    assert done.out.splitlines()[2].split()[:5] == [
        "3",
        "18:29:46.044",
        "-",
        "adapter_selected",
        "adapter=e2b",
    ]


def test_values_are_texts_or_json(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(
        '{"ts":"2026-01-01T00:00:00Z","session":"s","event":"e","on":true,"n":null,"of":["ž",{"a":1.5}],"t":"x y"}\n'
    )
    (line,) = events(tmp_path / "events.jsonl", cwd=tmp_path).out.splitlines()
    assert line.endswith(' on=true n=null of=["ž",{"a":1.5}] t=x y')


def test_json_is_one_form_for_every_dialect(tmp_path: Path) -> None:
    for run in runs():
        for line in events(run, "--json", cwd=tmp_path).out.splitlines():
            assert list(json.loads(line))[:5] == ["line", "ts", "event", "step_id", "side"]


def test_raw_lines_are_those_of_the_log(tmp_path: Path) -> None:
    assert events(RUN, "--raw", cwd=tmp_path).out == (RUN / "events.jsonl").read_text()


def test_raw_masks_secrets_unless_unmasked(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    content = '{"event": "a", "password": "hunter22"}\n{"event": "b"}\n'
    log.write_text(content)
    assert events(log, "--raw", cwd=tmp_path).out == content.replace("hunter22", "***")
    assert events(log, "--raw", "--unmasked", cwd=tmp_path).out == content


def test_unmasked_without_raw_is_a_usage_error(tmp_path: Path) -> None:
    done = events(RUN, "--unmasked", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "add --raw" in done.err


def test_a_filter_keeps_what_it_asks_for(tmp_path: Path) -> None:
    done = events(RUN, "step=compute-*", "text~NoneType", "--json", "--limit", "1", cwd=tmp_path)
    (line,) = map(json.loads, done.out.splitlines())
    assert (line["event"], line["step_id"]) == ("step_failed", "compute-director-stats")


WRITTEN_OUT = 'step=compute-* event=inputs_resolved rows>1 text~"movies" since=-5m'


@pytest.mark.parametrize(
    "words",
    [
        (WRITTEN_OUT,),
        ("step=compute-*", "event=inputs_resolved", "rows>1", "text~movies", "since=-5m"),
        ("step=compute-* event=inputs_resolved", "rows>1 since=-5m"),
    ],
    ids=["one word", "as a shell hands them on", "in pieces"],
)
def test_a_filter_of_every_kind_of_part_is_understood(words: tuple[str, ...], tmp_path: Path) -> None:
    run = next(run for run in runs() if run.parent.name == "good_local")
    (told,) = map(json.loads, events(run, *words, "--json", cwd=tmp_path).out.splitlines())
    assert (told["event"], told["step_id"], told["rows"]) == ("inputs_resolved", "compute-stats", 14)


def test_a_text_of_two_words_keeps_them_together_without_its_quotes(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text('{"event":"a","note":"two words"}\n{"event":"a","note":"words, two"}\n')
    for words in (['text~"two words"'], ["event=a", "text~two words"], ["text~two words", "event=a"]):
        assert len(events(log, *words, cwd=tmp_path).out.splitlines()) == 1


def test_the_name_of_a_result_is_no_secret(tmp_path: Path) -> None:
    run = next(run for run in runs() if run.parent.name == "good_local")
    for form in ((), ("--json",)):
        assert "***" not in events(run, "event=inputs_resolved", *form, cwd=tmp_path).out


def test_relative_times_count_from_the_end_of_the_log(tmp_path: Path) -> None:
    last = len(events(RUN, "since=-1s", cwd=tmp_path).out.splitlines())
    assert 0 < last < len(events(RUN, cwd=tmp_path).out.splitlines())


def test_a_filter_that_cannot_be_understood_is_a_usage_error(tmp_path: Path) -> None:
    done = events(RUN, "rows>many", cwd=tmp_path)
    assert done.code == 2
    assert "'many' is not a number" in " ".join(done.err.replace("│", " ").split())


def test_two_forms_at_once_are_a_usage_error(tmp_path: Path) -> None:
    assert events(RUN, "--json", "--raw", cwd=tmp_path).code == 2


def test_a_path_that_is_no_run_is_named(tmp_path: Path) -> None:
    done = events(tmp_path / "nowhere", cwd=tmp_path)
    assert done.code == 3
    assert "nowhere" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_log_that_may_not_be_read_is_not_one_without_events(tmp_path: Path) -> None:
    run = tmp_path / RUN.name
    shutil.copytree(RUN, run)
    (run / "events.jsonl").chmod(0)
    done = events(run, cwd=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "events.jsonl cannot be read: permission denied" in done.err


def test_a_log_file_can_be_named_itself(tmp_path: Path) -> None:
    assert events(RUN / "events.jsonl", cwd=tmp_path).out == events(RUN, cwd=tmp_path).out


def test_events_are_taken_from_stdin(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "osiris_inspect", "events", "-", "event=step_failed", "--raw"],
        input=(RUN / "events.jsonl").read_bytes(),
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.count(b"step_failed") == len(done.stdout.splitlines()) > 0


def test_lines_that_are_no_events_are_counted_on_stderr(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b'{"event":"a"}\nrubbish\n\n{"event":"b"}\n{"event":"c","x":')
    done = events(log, cwd=tmp_path)
    assert [line.split()[3] for line in done.out.splitlines()] == ["a", "b"]
    assert "2 lines could not be read" in done.err


def test_secrets_and_escapes_of_a_log_reach_no_terminal(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    said = {
        "event": "a",
        "url": "mysql://reader:hunter22@db/x",
        "note": "\x1b[31mred\r\nline",
        "password": "hunter22",
    }
    log.write_text(json.dumps(said) + "\n")
    for form in ((), ("--json",)):
        out = events(log, *form, cwd=tmp_path).out
        assert "hunter22" not in out
        assert "\x1b" not in out
        assert len(out.splitlines()) == 1


@pytest.mark.parametrize("value", ["NaN", "1" * 30, '"\\ud800"', '[NaN, {"a": 1e999}]'])
def test_json_stays_json_whatever_the_values(tmp_path: Path, value: str) -> None:
    log = tmp_path / "events.jsonl"
    log.write_text(f'{{"event":"a","x":{value},"y":12345678901234567890123}}\n')
    told = json.loads(events(log, "--json", cwd=tmp_path).out, parse_constant=pytest.fail)
    assert told["y"] == pytest.approx(12345678901234567890123)


def test_a_reader_who_has_seen_enough_ends_it_quietly(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(many(30_000))
    process = subprocess.Popen(
        [sys.executable, "-m", "osiris_inspect", "events", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == (b"", 0)
    process.stderr.close()


def test_following_ends_when_its_reader_has_gone(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b'{"event":"run_start"}\n')
    with following(log, tmp_path, stderr=subprocess.PIPE) as (process, out):
        assert out.readline()
        out.close()
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_events_of_stdin_are_shown_as_they_arrive(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "osiris_inspect", "events", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for part in (b'{"event":"a"}\n{"eve', b'nt":"b","note":"', b"x" * 200_000, b'"}\n\n{"event":"c"}'):
            process.stdin.write(part)
            process.stdin.flush()
            if part.endswith(b"eve"):
                assert process.stdout.readline().split()[3] == b"a"
        process.stdin.close()
        assert [line.split()[:4:3] for line in process.stdout] == [[b"2", b"b"], [b"4", b"c"]]
        assert process.wait(60) == 0


def test_a_long_log_is_filtered_as_a_short_one(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    content = many(20_000)
    with log.open("wb") as stream:
        while stream.tell() <= BIG:
            stream.write(content)
    asked = ("event=step_failed", "step=step-3", "--raw")
    first, second = events(log, *asked, cwd=tmp_path), events(log, *asked, cwd=tmp_path)
    kept = [
        line
        for line in log.read_bytes().splitlines()
        if b'"event":"step_failed"' in line and b'"step-3"' in line
    ]
    assert first.out.encode().splitlines() == kept
    assert second.out == first.out
    assert "lines could not be read" in first.err
    assert list((tmp_path / "cache").rglob("*.index"))


def test_a_rare_text_of_a_long_log_is_found_without_an_index(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    beat = b'{"event":"heartbeat","note":"nothing to see here"}\n'
    half = beat * (BIG // len(beat) // 2 + 1)
    log.write_bytes(
        half
        + b'{"event":"a","error":"NoneType"}\n{"error":"NoneType\n'
        + half
        + b'{"event":"b","error":"NONETYPE"}'
    )
    done = events(log, "nonetype", "--json", cwd=tmp_path)
    lines = half.count(b"\n")
    assert [json.loads(line)["line"] for line in done.out.splitlines()] == [lines + 1, 2 * lines + 3]
    assert done.err == "osiris-inspect: 1 line could not be read\n"
    assert not list((tmp_path / "cache").rglob("*.index"))


def test_following_gives_lines_as_they_come_and_ends_with_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run_1"
    run.mkdir()
    log = run / "events.jsonl"
    log.write_bytes(b'{"event":"run_start"}\n')
    with following(run, tmp_path) as (process, out):
        assert out.readline().split()[3] == b"run_start"
        with log.open("ab") as stream:
            stream.write(b'{"event":"step_start","step_id":"a"}\n')
            stream.flush()
            assert out.readline().split()[2:4] == [b"a", b"step_start"]
            stream.write(b'{"event":"run_end"}\n')
        assert out.read().split()[3] == b"run_end"
        assert process.wait(60) == 0


def test_following_is_ended_by_an_interrupt(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.write_bytes(b'{"event":"run_start"}\n')
    with following(log, tmp_path) as (process, out):
        out.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


WRITER = """
import sys
from pathlib import Path
from osiris_inspect.runtime.files.line_file import JsonlFile
log = JsonlFile(Path(sys.argv[1]), locked=True)
log.write(b'{"event":"run_start","locked":true}')
sys.stdin.read()
"""


def test_following_a_run_whose_writer_is_killed_ends_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    log.touch()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(log)], stdin=subprocess.PIPE)
    try:
        with following(log, tmp_path, stderr=subprocess.PIPE) as (process, out):
            assert out.readline().split()[3] == b"run_start"
            assert process.poll() is None
            writer.kill()
            assert out.read() == b""
            assert process.wait(60) == 1
            assert process.stderr is not None
            assert process.stderr.read().decode() == f"osiris-inspect: {CUT_OFF}\n"
    finally:
        writer.kill()
        writer.communicate()


@contextmanager
def following(
    path: Path, cwd: Path, stderr: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The command while it follows, and its stdout."""
    words = [sys.executable, "-m", "osiris_inspect", "events", str(path), "--follow"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=stderr, cwd=cwd) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


@pytest.mark.parametrize("words", [(), ("event=step_*",), ("since=-1s", "--json")], ids=str)
def test_a_run_of_the_usual_size_needs_no_heavy_package(words: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom osiris_inspect.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(*{'numpy', 'pandas', 'pyarrow', 'duckdb', 'textual'}.intersection(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "events", str(RUN), *words], capture_output=True, check=True
    )
    assert done.stdout
    assert done.stderr.strip() == b""


def test_explain_filter_names_what_answers(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    line = '{"ts":"2026-01-01T00:00:00+00:00","event":"beat","step_id":"a","rows":%d,"note":"some words that fill it","pad":"%s"}\n'
    log.write_text("".join(line % (number, "x" * 100) for number in range(25_000)))

    def explained(*words: str) -> list[str]:
        done = events(log, *words, "--explain-filter", cwd=tmp_path)
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines()

    engine = "engine   rows: read from the log by DuckDB and kept"
    assert explained("rows>24990", "not", "rows=24995") == [
        "filter   (rows>24990 not rows=24995)",
        "index    25,000 of 25,000 lines may match by event, step and time",
        engine,
        "decoding 8 lines, which are compared once more",
    ]
    assert explained("rows=3")[2] == "columns  rows: kept in the cache"
    assert explained("event=gone rows=3")[1:] == [
        "index    0 of 25,000 lines may match by event, step and time",
        "decoding 0 lines, which are compared once more",
    ]
    assert explained("NoneType")[2] == "bytes    the log is searched for 'nonetype'"
    short = events(RUN, "rows=3", "--explain-filter", cwd=tmp_path)
    assert short.out == "filter   rows=3\ndecoding every line: the log has at most 4.2 MB\n"
