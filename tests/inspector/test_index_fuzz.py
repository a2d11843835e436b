"""Any bytes in any file of a run give a run or a named error, whichever way its log is read."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.model.errors import RunNotReadable
from osiris_inspect.model.finding import Finding
from tests.inspector.logs import CORPUS
from tests.inspector.making import CHAIN, local, native, run_dir, succeeding_locally
from tests.samples import runs

Mutation = Callable[[bytes, random.Random], bytes]
NOW = 4e9
LIMIT_MB = 400


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def shuffled(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def doubled(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")
    return b"\n".join(line for line in lines for _ in range(chance.choice([0, 1, 1, 2])))


def flipped(content: bytes, chance: random.Random) -> bytes:
    raw = bytearray(content)
    for _ in range(chance.randrange(1, 20)):
        if raw:
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    return bytes(raw)


def retyped(content: bytes, chance: random.Random) -> bytes:
    values: list[object] = [None, True, -1, 1e308, float("nan"), "", "x" * 5000, [], {}, [[]], {"a": {"b": []}}, 10**40, "\ud800", "../../etc/passwd"]  # fmt: skip
    lines = []
    for line in content.split(b"\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            lines.append(line)
            continue
        if isinstance(value, dict) and value:
            value[chance.choice(list(value))] = chance.choice(values)
        lines.append(json.dumps(value).encode())
    return b"\n".join(lines)


def repeated_keys(content: bytes, chance: random.Random) -> bytes:
    more = chance.choice([b'{"event":"run_end",', b'{"step_id":"a",', b'{"event":1,', b'{"ts":"x",'])
    return content.replace(b"{", more, chance.randrange(1, 5))


def nested(content: bytes, chance: random.Random) -> bytes:
    depth = chance.choice([50, 2000, 100_000])
    return content.replace(b":", b":" + b"[" * depth, 1) + b"\n" + b'{"a":' * depth


def with_crlf(content: bytes, _chance: random.Random) -> bytes:
    return content.replace(b"\n", b"\r\n")


def with_mark(content: bytes, _chance: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + content


def in_utf16(content: bytes, _chance: random.Random) -> bytes:
    return content.decode("utf-8", "replace").encode("utf-16")


def emptied(_content: bytes, chance: random.Random) -> bytes:
    return chance.choice([b"", b"\n\n\n", b"\0" * 5000])


MUTATIONS: tuple[Mutation, ...] = (cut, shuffled, doubled, flipped, retyped, repeated_keys, nested, with_crlf, with_mark, in_utf16, emptied)  # fmt: skip


def every_run() -> list[Path]:
    found = [path.parent for path in CORPUS.rglob("events.jsonl")] if CORPUS.is_dir() else []
    return [*runs(), *sorted(found)]


RUNS = every_run()


def told(run: Path, monkeypatch: pytest.MonkeyPatch, *, long: bool) -> Report | str:
    with monkeypatch.context() as patch:
        patch.setattr(long_reading, "LARGE_LOG_BYTES", -1 if long else 1 << 40)
        try:
            return analyze(run, now=NOW)
        except RunNotReadable as error:
            return str(error)


@pytest.fixture(scope="module")
def patching() -> pytest.MonkeyPatch:
    return pytest.MonkeyPatch()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(RUNS),
    st.lists(st.sampled_from(MUTATIONS), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_a_mutated_run_is_read_or_named(
    patching: pytest.MonkeyPatch, run: Path, mutations: list[Mutation], chance: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / run.name
        shutil.copytree(run, copy, symlinks=True)
        files = sorted(path for path in copy.rglob("*") if path.is_file())
        for mutation in mutations:
            target = chance.choice([copy / "events.jsonl", *files])
            target.write_bytes(mutation(target.read_bytes(), chance))
        assert told(copy, patching, long=False)
        assert told(copy, patching, long=True)


@pytest.mark.parametrize("run", RUNS, ids=lambda path: "-".join(path.parts[-2:])[:70])
def test_a_long_log_is_judged_as_a_short_one(run: Path, patching: pytest.MonkeyPatch) -> None:
    short, long = told(run, patching, long=False), told(run, patching, long=True)
    assert isinstance(short, Report)
    assert isinstance(long, Report)
    assert long.run.steps == short.run.steps
    assert judged(long) == judged(short)
    assert (long.run.status, long.run.failure, long.run.pipeline, long.run.dialect) == (short.run.status, short.run.failure, short.run.pipeline, short.run.dialect)  # fmt: skip
    assert list(long.run.events) == list(short.run.events)
    assert long.run.duration_s == pytest.approx(short.run.duration_s, abs=0.002)
    assert unread(long) == unread(short)


def judged(found: Report) -> list[Finding]:
    """The findings; that a line of a long file of metrics is no metric is not looked at."""
    return [
        f for f in found.findings if f.rule != "unreadable-lines" or f.evidence[0].file != "metrics.jsonl"
    ]


def unread(found: Report) -> list[str]:
    return sorted(str(entry) for entry in found.run.unreadable if entry.file != "metrics.jsonl")


def test_a_step_repeated_ten_thousand_times_is_still_judged_by_its_last_end(
    tmp_path: Path, patching: pytest.MonkeyPatch
) -> None:
    lines = [line for _ in range(10_000) for line in (native("step_start", 1, step_id="a"), native("heartbeat", 1, step_id="a"), native("step_complete", 2, step_id="a"))]  # fmt: skip
    run = run_dir(tmp_path, [native("run_start"), *lines, native("step_start", 3, step_id="a"), native("step_failed", 4, step_id="a", error="boom")])  # fmt: skip
    found = told(run, patching, long=True)
    assert isinstance(found, Report)
    (step,) = found.run.steps
    assert (step.status, step.line_range) == ("failed", (2, 30_003))
    assert len(found.run.events) == 30_003
    assert len(found.run.key_events) < 500


def test_metrics_of_a_long_file_still_count_rows(tmp_path: Path, patching: pytest.MonkeyPatch) -> None:
    lines = [{"ts": "2026-01-01T00:00:00+00:00", "metric": "rss", "value": 1}] * 5000
    wanted = {
        "ts": "2026-01-01T00:00:05+00:00",
        "metric": "rows_written",
        "value": 7,
        "tags": {"step": "stats"},
    }
    run = run_dir(tmp_path, succeeding_locally(), metrics=[*lines, wanted, *lines], steps=CHAIN)
    found = told(run, patching, long=True)
    assert isinstance(found, Report)
    assert [(metric.name, metric.line) for metric in found.run.metrics] == [("rows_written", 5001)]


def peak_mb(run: Path) -> tuple[str, int]:
    """Status and peak memory in MB of a process that reads a run."""
    code = (
        "import re,sys;from pathlib import Path;from osiris_inspect.inspector.analysis.analyze import analyze\n"
        "report=analyze(Path(sys.argv[1]),now=4e9)\n"
        # a process begins with its parent's peak in ru_maxrss; VmHWM is its own
        "peak=re.search(r'VmHWM:\\s+(\\d+)',Path('/proc/self/status').read_text())\n"
        "print(report.run.status,int(peak[1])//1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True)
    status, peak = done.stdout.split()
    return status, int(peak)


def test_a_line_of_64_mb_is_reported_and_not_held(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally())
    with (run / "events.jsonl").open("ab") as stream:
        stream.write(b'{"event":"log","text":"')
        for _ in range(64):
            stream.write(b"x" * (1 << 20))
        stream.write(b'"}\n')
    status, peak = peak_mb(run)
    assert status == "success"
    assert peak < LIMIT_MB


def test_a_long_log_without_a_newline_is_not_held(tmp_path: Path) -> None:
    run = run_dir(tmp_path, None, files={"status.json": {"ok": True, "exit_code": 0}})
    with (run / "events.jsonl").open("wb") as stream:
        stream.truncate(200 << 20)
    _, peak = peak_mb(run)
    assert peak < LIMIT_MB


def test_a_hundred_thousand_artifacts_are_told(tmp_path: Path) -> None:
    made = (local("artifact_created", 3, step_id="extract", artifact_type="file", path=f"artifacts/extract/{n}.txt") for n in range(100_000))  # fmt: skip
    run = run_dir(tmp_path, [*succeeding_locally()[:3], *made, *succeeding_locally()[3:]])
    status, peak = peak_mb(run)
    assert status == "success"
    assert peak < LIMIT_MB


def test_links_in_a_circle_are_no_file(tmp_path: Path) -> None:
    run = run_dir(tmp_path, succeeding_locally())
    for name in ("metrics.jsonl", "status.json", "manifest.yaml"):
        (run / name).symlink_to(run / name)
    (run / "artifacts").symlink_to(run)
    found = analyze(run, now=NOW)
    assert found.run.status == "success"
    assert {entry.file for entry in found.run.unreadable} >= {"metrics.jsonl", "status.json"}


def test_a_log_that_leads_out_of_the_run_is_not_followed(
    tmp_path: Path, patching: pytest.MonkeyPatch
) -> None:
    other = run_dir(tmp_path, succeeding_locally(), name="other")
    run = run_dir(tmp_path, None, files={"status.json": {"ok": True}}, name="run_1")
    (run / "events.jsonl").symlink_to(other / "events.jsonl")
    for long in (False, True):
        found = told(run, patching, long=long)
        assert isinstance(found, Report)
        assert len(found.run.events) == 0
        assert [entry.file for entry in found.run.unreadable] == ["events.jsonl"]


def without_privilege() -> list[str]:
    """What starts a program that may read no more than others may, also where we are root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root may read anything, and setpriv is not here to give that up")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


@pytest.mark.parametrize("file", ["events.jsonl", "manifest.yaml", "status.json", "cfg/extract.json"])
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, file: str) -> None:
    run = run_dir(tmp_path, succeeding_locally(), steps=CHAIN, files={"status.json": {"ok": True}, "cfg/extract.json": {}})  # fmt: skip
    (run / file).chmod(0)
    words = [*without_privilege(), sys.executable, "-m", "osiris_inspect", "summarize", str(run), "--format", "json"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL)
    unread = json.loads(done.stdout)["runs"][0]["unread"]
    assert [(entry["file"], entry["reason"]) for entry in unread] == [(file, "permission denied")]


def test_descriptors_are_given_back(tmp_path: Path, patching: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 200), hard))
    try:
        for _ in range(300):
            assert isinstance(told(runs()[0], patching, long=True), Report)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
