"""Cost of printing a long log: ``pytest -m bench -s tests/bench/test_bench_output.py``.

CPU seconds and memory of ``events`` with an index, without those of its start, beside a plain loop and ``cat``. All run in
turns. ``OSIRIS_BENCH_EVENTS`` sets the number of events (1,000,000).
"""

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench
EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "1_000_000"))
ROUNDS = 3
OURS = [sys.executable, "-m", "osiris_inspect", "events"]
MAX_MEGABYTES = 300
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run of heartbeats, 190 bytes each."""
    path = tmp_path_factory.mktemp("output") / "run_1795330491986"
    path.mkdir()
    with (path / "events.jsonl").open("wb", buffering=1 << 20) as stream:
        stream.writelines(map(_event, range(EVENTS)))
    yield path
    shutil.rmtree(path)


def _event(number: int) -> bytes:
    second, part = divmod(number * 3007, 1_000_000)
    ts = f"2026-01-{1 + second // 86400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{part:06d}+00:00"
    return (
        f'{{"ts":"{ts}","seq":{number},"session":"run_1795330491986","event":"{"heartbeat" if number % 10 else "rows_out"}","side":"worker",'
        f'"step_id":"extract","rows":{number},"rss_bytes":{100_000_000 + number}}}\n'
    ).encode()


def _measured(command: Sequence[str], cache: Path) -> tuple[float, float]:
    """Return CPU seconds and megabytes of a command whose output goes into a pipe."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    piped = ["sh", "-c", '"$@" | cat > /dev/null', "sh", sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(piped, stderr=subprocess.PIPE, env=environment, text=True, check=True)
    seconds, kilobytes = done.stderr.split()
    return float(seconds), int(kilobytes) / 1024


def test_output_beside_plain_loop_and_cat(run: Path, tmp_path: Path) -> None:
    log = str(run / "events.jsonl")
    commands = {
        "start": [*OURS, str(run), "-n", "1"],
        "text": [*OURS, str(run)],
        "json": [*OURS, str(run), "--json"],
        "raw": [*OURS, str(run), "--raw"],
        "unmasked": [*OURS, str(run), "--raw", "--unmasked"],
        "since": [*OURS, str(run), "since=-5m"],
        "plain loop": [sys.executable, "-m", "tests.bench.plain_loop", log],
        "python": [sys.executable, "-c", "import orjson"],
        "cat": ["cat", log],
    }
    _measured(commands["start"], tmp_path)  # makes the index
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            rounds[name].append(_measured(command, tmp_path))
    cpu = {name: statistics.median(seconds for seconds, _ in all_) for name, all_ in rounds.items()}
    memory = {name: statistics.median(megabytes for _, megabytes in all_) for name, all_ in rounds.items()}
    peers = {"text": "plain loop", "json": "plain loop", "unmasked": "cat"}
    print(f"\n{EVENTS:,} events, {(run / 'events.jsonl').stat().st_size / 1e6:.0f} MB")
    for name in ("text", "json", "raw", "unmasked", "since"):
        own, more = cpu[name] - cpu["start"], memory[name] - memory["start"]
        peer = peers.get(name)
        base = 0 if peer is None else cpu[peer] - (cpu["python"] if peer == "plain loop" else 0)
        ratio = f", {own / base:.2f} x {peer} ({base:.2f} s)" if peer else ""
        print(f"{name:<10} {own:6.2f} s of CPU{ratio}, {more:+.0f} MB")
        assert more <= MAX_MEGABYTES
