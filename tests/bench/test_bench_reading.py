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
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.bench import reading_measured
from tests.bench.pairs import print_costs, side_by_side, told
from tests.bench.reading_measured import FILTER, STEPS
from tests.inspector.making import CHAIN, local, run_dir, succeeding_locally

pytestmark = pytest.mark.bench
EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "10_000_000"))
ORIGINAL = os.environ.get("OSIRIS_BENCH_ORIGINAL")
ROUNDS = 3
OURS = [sys.executable, "-m", "osiris_inspect"]
REPOSITORY = Path(__file__).parents[2]
LONGEST = "run_1759170586030"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of many events, 260 bytes each, as our own runtime writes them."""
    folder = tmp_path_factory.mktemp("bench")
    free = shutil.disk_usage(folder).free
    if free < 2 * 260 * EVENTS:
        pytest.skip(f"{free >> 30} GB are free, {2 * 260 * EVENTS >> 30} are needed")
    path = folder / "run_1795330491986" / "events.jsonl"
    path.parent.mkdir()
    write_log(path, EVENTS)
    yield path
    shutil.rmtree(folder)


def write_log(path: Path, count: int) -> None:
    """Write events as our own runtime does, 260 bytes each."""
    with path.open("wb", buffering=1 << 20) as stream:
        for begin in range(0, count, 10_000):
            stream.write(b"".join(_event(number) for number in range(begin, min(begin + 10_000, count))))
        stream.flush()
        os.fsync(stream.fileno())  # else the disk is busy with it while others read


_KINDS = ("step_start", "inputs_resolved", "heartbeat", "heartbeat", "heartbeat", "artifact_created", "rows_out", "output_stored", "step_complete", "cfg_opened")  # fmt: skip


def _event(number: int) -> bytes:
    second, part = divmod(number * 3007, 1_000_000)
    ts = f"2026-01-{1 + second // 86400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{part:06d}+00:00"
    kind = "step_failed" if number % 10_007 == 5_000 else _KINDS[number % 10]
    if number % 97 == 0:
        rest = '"event":"environment","side":"host","python":"3.11.9","packages":{"pandas":"3.1.0","pyarrow":"26.0.0"},"cpu":2,"mem":25000000000'
    else:
        rest = (
            f'"event":"{kind}","side":"worker","step_id":"{STEPS[number // 7 % 5]}","rows":{number % 100_000},"duration_ms":{number % 977 / 3:.3f},'
            f'"rss_bytes":{100_000_000 + number},"note":"some words that fill the line as real ones do"'
        )
    return f'{{"ts":"{ts}","seq":{number},"session":"run_1795330491986",{rest}}}\n'.encode()


def measured(task: str, log: Path, cache: Path) -> dict[str, float]:
    command = [sys.executable, "-m", reading_measured.__name__, task, str(log), str(cache)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def medians(rounds: dict[str, list[dict[str, float]]], key: str = "seconds") -> dict[str, float]:
    return {name: statistics.median(one[key] for one in all_) for name, all_ in rounds.items()}


def test_index_beside_duckdb_count(log: Path, tmp_path: Path) -> None:
    """CPU includes the start of the interpreter and its imports."""
    rounds: dict[str, list[dict[str, float]]] = {"duckdb_count": [], "index": []}
    for _ in range(ROUNDS):
        for task, all_ in rounds.items():
            all_.append(measured(task, log, tmp_path))
    assert rounds["index"][0]["lines"] == rounds["duckdb_count"][0]["lines"] == EVENTS
    print(f"\n{EVENTS:,} events")
    for name, seconds in medians(rounds).items():
        ratios = {key: _ratio(rounds, name, key) for key in ("seconds", "cpu")}
        print(
            f"{name:<14} {seconds:5.2f} s ({ratios['seconds']:.2f}x), {medians(rounds, 'cpu')[name]:5.2f} s of CPU"
            f" ({ratios['cpu']:.2f}x), {medians(rounds, 'peak_mb')[name]:.0f} MB"
        )


def _ratio(rounds: dict[str, list[dict[str, float]]], name: str, key: str) -> float:
    """Return the median of the ratios to DuckDB, round by round."""
    pairs = zip(rounds[name], rounds["duckdb_count"], strict=True)
    return statistics.median(own[key] / its[key] for own, its in pairs)


def test_second_opening_and_questions(log: Path, tmp_path: Path) -> None:
    first = measured("open_again", log, tmp_path)
    second = [measured("open_again", log, tmp_path) for _ in range(ROUNDS)]
    assert first["lines"] == second[0]["lines"] == EVENTS
    found = measured("questions", log, tmp_path)
    again = statistics.median(one["seconds"] for one in second) * 1e3
    print(f"\nfirst opening {first['seconds']:.2f} s, second {again:.1f} ms")
    print(f"filter {found['filter'] * 1e3:.2f} ms for {found['found']:,.0f} lines")
    for key in ("next_failure", "timeline", "key_lines"):
        print(f"{key} {found[key] * 1e3:.3f} ms")


@pytest.mark.skipif(shutil.which("rg") is None, reason="ripgrep is not installed")
def test_questions_without_index_beside_ripgrep(log: Path, tmp_path: Path) -> None:
    """Whole commands, from their start to their end.

    A filter ignores case, so ripgrep runs with and without ``-i``. Ripgrep is told the order of the fields in a line; a
    filter need not know it.
    """
    asked = {
        "filter": (FILTER.split(), '"event":"step_failed".*"step_id":"join-all"'),
        "a word": (["NoneType"], "NoneType"),
        "next failure, nowhere": (["-n", "1", "event=run_failed"], '"event":"run_failed"'),
    }
    for name, (words, pattern) in asked.items():
        rg = ["rg", "--no-config", "-n", *(["-m", "1"] if "-n" in words else []), pattern, str(log)]
        of_rg = {"ripgrep, any case": [*rg, "-i"], "ripgrep, this case": rg}
        _print_beside({name: [*OURS, "events", str(log), *words], **of_rg}, tmp_path)
    minutes = f"""rg --no-config -oN '"ts":"[^"]{{16}}' '{log}' | uniq -c"""
    task = [sys.executable, "-m", reading_measured.__name__, "timeline", str(log), str(tmp_path)]
    _print_beside({"timeline": task, "ripgrep, uniq": ["sh", "-c", minutes]}, tmp_path)
    assert not list(tmp_path.rglob("*.index"))


def _print_beside(commands: dict[str, list[str]], cache: Path) -> None:
    costs = side_by_side(commands, ROUNDS, REPOSITORY, XDG_CACHE_HOME=str(cache))
    print("\n" + told(costs, [*commands][1]))


def test_report_of_long_log(log: Path, tmp_path: Path) -> None:
    first, second = measured("report", log, tmp_path), measured("report", log, tmp_path)
    assert first["events"] == EVENTS
    print(
        f"\nreport: first {first['seconds']:.2f} s, {first['peak_mb']:.0f} MB; again {second['seconds']:.2f} s, {second['peak_mb']:.0f} MB"
    )


def test_summary_of_one_run_beside_the_original(logs: Path) -> None:
    commands = {"summarize of 300 events": [*OURS, "summarize", f"logs/{LONGEST}"]}
    if ORIGINAL:
        commands["original: logs show"] = [ORIGINAL, "logs", "show", "--session", LONGEST, "--events"]
    print("\n" + told(side_by_side(commands, 3 * ROUNDS, logs), [*commands][-1]))


def test_list_of_runs_beside_the_original(logs: Path) -> None:
    cache = logs / "cache"
    commands = {"list of 2,000": [*OURS, "runs", "logs"]}
    if ORIGINAL:
        commands["original: logs list"] = [ORIGINAL, "logs", "list", "--limit", "2000"]
    forget = partial(shutil.rmtree, cache, ignore_errors=True)
    first = side_by_side(commands, ROUNDS, logs, before=forget, XDG_CACHE_HOME=str(cache))
    again = side_by_side(commands, ROUNDS, logs, XDG_CACHE_HOME=str(cache))
    for when, costs in (("nothing cached", first), ("again", again)):
        print(f"\n{when}\n{told(costs, [*commands][-1])}")
        if ORIGINAL:
            print_costs(f"list 2,000 runs, {when}", costs)


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
