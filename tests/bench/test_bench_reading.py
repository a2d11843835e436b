"""How fast long logs and many runs are read, side by side with what else could be used. ``pytest -m bench -s``.

Each round runs in a process of its own, turn by turn, so that a busy machine is unfair to all alike; ratios are of
medians. ``OSIRIS_BENCH_EVENTS`` sets the number of events (10,000,000), ``OSIRIS_BENCH_ORIGINAL`` the ``osiris`` command
of an installed original to compare with.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.bench.pairs import side_by_side, told
from tests.inspector.making import CHAIN, local, run_dir, succeeding_locally

pytestmark = pytest.mark.bench
EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "10_000_000"))
ORIGINAL = os.environ.get("OSIRIS_BENCH_ORIGINAL")
ROUNDS = 3
OURS = [sys.executable, "-m", "osiris_inspect"]
LONGEST = "run_1759170586030"

PRELUDE = """
import json, os, sys, time
from pathlib import Path
log, cache = Path(sys.argv[1]), Path(sys.argv[2])
def done(**told):
    # of this program alone: what getrusage tells begins with the peak of whoever started it
    lines = Path("/proc/self/status").read_text().splitlines()
    told["peak_mb"] = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024
    print(json.dumps(told))
def cpu(*whose):
    import resource
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, whose))
"""
INDEX = """
import resource
from osiris_inspect.inspector.index import Index
from osiris_inspect.inspector.long.mates import Sharing, sharing_here
sharing = sharing_here() if sys.argv[3:] == [] else Sharing(int(sys.argv[3]))
descriptor = os.open(log, os.O_RDONLY)
begin = time.perf_counter()
index = Index()
index.grow(descriptor, sharing=sharing)
seconds = time.perf_counter() - begin
mates = resource.getrusage(resource.RUSAGE_CHILDREN)
done(
    seconds=seconds,
    cpu=cpu(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN),
    lines=len(index),
    decoded=index.scanner.decoded_count,
    mates=sharing.most - 1,
    mate_mb=mates.ru_maxrss // 1024,
)
"""
DUCKDB = """
import resource
import duckdb
columns = {"ts": "TIMESTAMP", "seq": "BIGINT", "session": "VARCHAR", "event": "VARCHAR", "step_id": "VARCHAR"}
begin = time.perf_counter()
lines = duckdb.sql(f"select event, count(*) n from read_ndjson('{log}', columns={columns}) group by 1").fetchall()
done(seconds=time.perf_counter() - begin, cpu=cpu(resource.RUSAGE_SELF), lines=sum(count for _, count in lines))
"""
SECOND = """
from osiris_inspect.inspector.long.sidecar import Sidecars, opened
descriptor = os.open(log, os.O_RDONLY)
begin = time.perf_counter()
index = opened(descriptor, Sidecars(cache))
done(seconds=time.perf_counter() - begin, lines=len(index))
"""
QUESTIONS = """
import statistics
from osiris_inspect.inspector.query import parse
from osiris_inspect.inspector.long.search import pieces
from osiris_inspect.inspector.long.sidecar import Sidecars, opened
index = opened(os.open(log, os.O_RDONLY), Sidecars(cache))
def took(ask, rounds=7):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        ask()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)
wanted = parse("event=step_failed step=join-all")
done(
    filter=took(lambda: list(pieces(index, wanted))),
    next_failure=took(lambda: index.next_failure(len(index) // 2)),
    timeline=took(lambda: index.timeline(140)),
    chosen=took(lambda: index.chosen(64)),
    found=sum(map(len, pieces(index, wanted))),
)
"""
REPORT = """
from osiris_inspect.inspector.report import report
begin = time.perf_counter()
told = report(log.parent, now=4e9, cache=cache)
done(seconds=time.perf_counter() - begin, status=told.run.status, events=len(told.run.events))
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of many events, 260 bytes each, as our own runtime writes them."""
    folder = tmp_path_factory.mktemp("bench")
    free = shutil.disk_usage(folder).free
    if free < 2 * 260 * EVENTS:
        pytest.skip(f"{free >> 30} GB are free, {2 * 260 * EVENTS >> 30} are needed")
    path = folder / "run_1795330491986" / "events.jsonl"
    path.parent.mkdir()
    with path.open("wb", buffering=1 << 20) as stream:
        for begin in range(0, EVENTS, 10_000):
            stream.write(b"".join(_event(number) for number in range(begin, min(begin + 10_000, EVENTS))))
        stream.flush()
        os.fsync(stream.fileno())  # else the disk is busy with it while others read
    yield path
    shutil.rmtree(folder)


_STEPS = ("extract-movies", "extract-directors", "compute-stats", "join-all", "write-stats")
_KINDS = ("step_start", "inputs_resolved", "heartbeat", "heartbeat", "heartbeat", "artifact_created", "rows_out", "output_stored", "step_complete", "cfg_opened")  # fmt: skip


def _event(number: int) -> bytes:
    second, part = divmod(number * 3007, 1_000_000)
    ts = f"2026-01-{1 + second // 86400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{part:06d}+00:00"
    kind = "step_failed" if number % 10_007 == 5_000 else _KINDS[number % 10]
    if number % 97 == 0:
        rest = '"event":"environment","side":"host","python":"3.11.9","packages":{"pandas":"3.1.0","pyarrow":"26.0.0"},"cpu":2,"mem":25000000000'
    else:
        rest = (
            f'"event":"{kind}","side":"worker","step_id":"{_STEPS[number // 7 % 5]}","rows":{number % 100_000},"duration_ms":{number % 977 / 3:.3f},'
            f'"rss_bytes":{100_000_000 + number},"note":"some words that fill the line as real ones do"'
        )
    return f'{{"ts":"{ts}","seq":{number},"session":"run_1795330491986",{rest}}}\n'.encode()


def measured(code: str, log: Path, cache: Path, *more: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code, str(log), str(cache), *more],
        capture_output=True,
        text=True,
        check=True,
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def medians(rounds: dict[str, list[dict[str, float]]], key: str = "seconds") -> dict[str, float]:
    return {name: statistics.median(one[key] for one in told) for name, told in rounds.items()}


def test_a_full_index_beside_a_count_in_duckdb(log: Path, tmp_path: Path) -> None:
    """CPU includes what it takes to start: the interpreter, its packages, and the processes that an index is shared with."""
    rounds: dict[str, list[dict[str, float]]] = {"index": [], "index, one process": [], "duckdb count": []}
    for _ in range(ROUNDS):
        rounds["index"].append(measured(INDEX, log, tmp_path))
        rounds["index, one process"].append(measured(INDEX, log, tmp_path, "1"))
        rounds["duckdb count"].append(measured(DUCKDB, log, tmp_path))
    first = rounds["index"][0]
    assert first["lines"] == rounds["duckdb count"][0]["lines"] == EVENTS
    print(f"\n{EVENTS:,} events, {first['decoded']:,} lines decoded; shared with {first['mates']} more process(es) of at most {first['mate_mb']} MB each")  # fmt: skip
    for name, seconds in medians(rounds).items():
        ratios = {key: _beside(rounds, name, key) for key in ("seconds", "cpu")}
        print(
            f"{name:<20} {seconds:5.2f} s ({ratios['seconds']:.2f}x), {medians(rounds, 'cpu')[name]:5.2f} s of CPU ({ratios['cpu']:.2f}x), {medians(rounds, 'peak_mb')[name]:.0f} MB"
        )


def _beside(rounds: dict[str, list[dict[str, float]]], name: str, key: str) -> float:
    """The median of what was measured in each round as a share of what DuckDB took in it."""
    pairs = zip(rounds[name], rounds["duckdb count"], strict=True)
    return statistics.median(own[key] / its[key] for own, its in pairs)


def test_the_second_opening_and_the_questions(log: Path, tmp_path: Path) -> None:
    first = measured(SECOND, log, tmp_path)
    second = [measured(SECOND, log, tmp_path) for _ in range(ROUNDS)]
    assert first["lines"] == second[0]["lines"] == EVENTS
    told = measured(QUESTIONS, log, tmp_path)
    grep = [_ripgrep(log) for _ in range(ROUNDS)] if shutil.which("rg") else []
    print(
        f"\nfirst opening {first['seconds']:.2f} s, second {statistics.median(one['seconds'] for one in second) * 1e3:.1f} ms"
    )
    print(f"filter {told['filter'] * 1e3:.2f} ms for {told['found']:,} lines" + (f"; ripgrep {statistics.median(grep):.2f} s, ratio {told['filter'] / statistics.median(grep):.4f}" if grep else ""))  # fmt: skip
    print(
        f"next failure {told['next_failure'] * 1e3:.3f} ms, timeline {told['timeline'] * 1e3:.1f} ms, picture {told['chosen'] * 1e3:.1f} ms"
    )


def _ripgrep(log: Path) -> float:
    begin = time.perf_counter()
    pattern = '"event":"step_failed".*"step_id":"join-all"'
    subprocess.run(["rg", "--no-config", "-c", pattern, str(log)], check=True, capture_output=True)
    return time.perf_counter() - begin


TIMELINE = """
from osiris_inspect.inspector.index import Index
index = Index()
index.grow(os.open(log, os.O_RDONLY))
print(index.timeline(140))
"""


@pytest.mark.skipif(shutil.which("rg") is None, reason="ripgrep is not installed")
def test_the_questions_without_an_index_beside_ripgrep(log: Path, tmp_path: Path) -> None:
    """Whole commands, from their start to their end.

    A filter asks for texts in any case, so ripgrep is asked like that, and once more with the case that the log has. It is
    told in which order a line holds what is looked for; a filter need not know.
    """
    asked = {
        "filter": (["event=step_failed step=join-all"], '"event":"step_failed".*"step_id":"join-all"'),
        "a word": (["NoneType"], "NoneType"),
        "next failure, nowhere": (["-n", "1", "event=run_failed"], '"event":"run_failed"'),
    }
    for name, (words, pattern) in asked.items():
        rg = ["rg", "--no-config", "-n", *(["-m", "1"] if "-n" in words else []), pattern, str(log)]
        of_rg = {"ripgrep, any case": [*rg, "-i"], "ripgrep, this case": rg}
        _print_beside({name: [*OURS, "events", str(log), *words], **of_rg}, tmp_path)
    minutes = f"""rg --no-config -oN '"ts":"[^"]{{16}}' '{log}' | uniq -c"""
    timeline = [sys.executable, "-c", PRELUDE + TIMELINE, str(log), str(tmp_path)]
    _print_beside({"timeline": timeline, "ripgrep, uniq": ["sh", "-c", minutes]}, tmp_path)
    assert not list(tmp_path.rglob("*.index"))


def _print_beside(commands: dict[str, list[str]], cache: Path) -> None:
    costs = side_by_side(commands, ROUNDS, XDG_CACHE_HOME=str(cache))
    print("\n" + told(costs, [*commands][1]))


def test_a_whole_report_of_a_long_log(log: Path, tmp_path: Path) -> None:
    first, second = measured(REPORT, log, tmp_path), measured(REPORT, log, tmp_path)
    assert first["events"] == EVENTS
    print(
        f"\nreport: first {first['seconds']:.2f} s, {first['peak_mb']:.0f} MB; again {second['seconds']:.2f} s, {second['peak_mb']:.0f} MB"
    )


def test_one_run_beside_the_original(logs: Path) -> None:
    commands = {"summarize of 300 events": [*OURS, "summarize", f"logs/{LONGEST}"]}
    if ORIGINAL:
        commands["original: logs show"] = [ORIGINAL, "logs", "show", "--session", LONGEST, "--events"]
    print("\n" + told(side_by_side(commands, 3 * ROUNDS, logs), [*commands][-1]))


def test_two_thousand_runs_beside_the_original(logs: Path) -> None:
    cache = logs / "cache"
    commands = {"list of 2,000": [*OURS, "runs", "logs"]}
    if ORIGINAL:
        commands["original: logs list"] = [ORIGINAL, "logs", "list", "--limit", "2000"]
    forget = partial(shutil.rmtree, cache, ignore_errors=True)
    first = side_by_side(commands, ROUNDS, logs, before=forget, XDG_CACHE_HOME=str(cache))
    again = side_by_side(commands, ROUNDS, logs, XDG_CACHE_HOME=str(cache))
    for when, costs in (("nothing kept", first), ("again", again)):
        print(f"\n{when}\n{told(costs, [*commands][-1])}")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 2,000 runs of 50 pipelines in ``logs``, the first of them with 300 events."""
    folder = tmp_path_factory.mktemp("many")
    begin, *rest = succeeding_locally()
    more = [
        local("artifact_created", 3, step_id="extract", artifact_type="file", path=f"a/{number}")
        for number in range(292)
    ]
    for number in range(2000):
        events = [begin, *rest[:2], *(more if number == 0 else ()), *rest[2:]]
        run = run_dir(folder / "logs", events, steps=CHAIN, name=f"run_{int(LONGEST[4:]) + number}")
        manifest = run / "manifest.yaml"
        manifest.write_text(manifest.read_text().replace('"demo"', f'"demo-{number % 50}"'))
    return folder
