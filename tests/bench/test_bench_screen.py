"""Time to the first screen, CPU per key, and CPU of following a live run.

``OSIRIS_BENCH_EVENTS`` sets the length of the long log, ``OSIRIS_BENCH_RUN`` names an existing one. CPU is printed too,
because other work on the machine changes wall times more than the program does.
"""

import asyncio
import os
import resource
import select
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from osiris_inspect.tui.app import InspectorApp
from tests.bench.on_terminal import lines, terminal
from tests.bench.pairs import print_row
from tests.samples import SAMPLES

pytestmark = pytest.mark.bench

PYTHON, PROGRAM = sys.executable, str(Path(sys.executable).with_name("osiris-inspect"))
EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "1_000_000"))
ROUNDS = 7
MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("here it is")
Minimal().run()
"""


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose log has ``EVENTS`` lines, a failure near its end."""
    if told := os.environ.get("OSIRIS_BENCH_RUN"):
        return Path(told)
    return _written(tmp_path_factory.mktemp("long"), EVENTS)


@pytest.fixture(scope="module")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with 300 lines."""
    return _written(tmp_path_factory.mktemp("short"), 300)


def _written(folder: Path, count: int) -> Path:
    run = folder / "run_1795330492603"
    run.mkdir()
    with (run / "events.jsonl").open("w", encoding="utf-8") as log:
        log.writelines(lines(count))
    return run


def seen(screen: int, needle: bytes, limit: float = 60.0) -> None:
    """Read from a terminal until something is seen on it."""
    so_far, end = b"", time.perf_counter() + limit
    while needle not in so_far and select.select([screen], [], [], end - time.perf_counter())[0]:
        so_far += os.read(screen, 1 << 16)
    assert needle in so_far, so_far[-500:]


def until(arguments: list[str], needle: bytes) -> float:
    """Milliseconds from the start of a program until something is seen on its terminal; the median of some rounds."""
    taken = []
    for _ in range(ROUNDS):
        with terminal(arguments) as (_, screen, begin):
            seen(screen, needle)
            taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)


def test_first_words_beside_bare_python(long_run: Path) -> None:
    (run,) = (SAMPLES / "original_nonetype").glob("run_*")
    bare = until([PYTHON, "-c", "print('failed')"], b"failed")
    short = until([PROGRAM, str(run)], b"failed")
    long = until([PROGRAM, str(long_run)], b"failed")
    print(
        f"\nfirst words: python -c print {bare:.0f} ms; a run of 37 events {short:.0f} ms ({short / bare:.1f}x)"
    )
    print(f"             a run of {EVENTS:,} events {long:.0f} ms ({long / bare:.1f}x)")


def used(process: int) -> float:
    """Milliseconds of CPU that a process and its threads have used."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def in_turns(
    programs: dict[str, tuple[list[str], bytes]], rounds: int = 11
) -> dict[str, tuple[float, float]]:
    """Medians of wall-clock and CPU milliseconds until each program shows its text, measured in turns."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (arguments, needle) in programs.items():
            with terminal(arguments) as (child, screen, begin):
                seen(screen, needle)
                taken[name].append(((time.perf_counter() - begin) * 1000, used(child)))
    return {
        name: (statistics.median(wall for wall, _ in all_), statistics.median(cpu for _, cpu in all_))
        for name, all_ in taken.items()
    }


def told(measured: dict[str, tuple[float, float]]) -> None:
    """Print what was measured beside the first of it."""
    first_wall, first_cpu = next(iter(measured.values()))
    for name, (wall, cpu) in measured.items():
        print(
            f"  {name:<22} {wall:7.0f} ms ({wall / first_wall:.2f}x)   {cpu:7.0f} ms of CPU ({cpu / first_cpu:.2f}x)"
        )


def test_first_screen_beside_minimal_app(short_run: Path, long_run: Path) -> None:
    (run,) = (SAMPLES / "original_nonetype").glob("run_*")
    until([PROGRAM, str(long_run)], b"SQL")  # its index is made once
    print("\nfirst full screen:")
    costs = in_turns(
        {
            "minimal app": ([PYTHON, "-c", MINIMAL], b"here it is"),
            "a run of 37 events": ([PROGRAM, str(run)], b"SQL"),
            "one of 300": ([PROGRAM, str(short_run)], b"SQL"),
            f"one of {EVENTS:,}": ([PROGRAM, str(long_run)], b"SQL"),
        },
        rounds=15,
    )
    told(costs)
    peer_wall, peer_cpu = costs["minimal app"]
    for name, (wall, cpu) in costs.items():
        print_row(f"first full screen, {name}", wall, "a minimal Textual app", peer_wall, "ms")
        print_row(f"first full screen, {name}", cpu, "a minimal Textual app", peer_cpu, "ms of CPU")


def test_live_run_cpu(tmp_path: Path) -> None:
    run = tmp_path / "run_1795330492603"
    run.mkdir()
    lines = map(_live_line, count())
    seconds = 10
    with (run / "events.jsonl").open("w", encoding="utf-8") as log:
        log.writelines(next(lines) for _ in range(1_000))
        log.flush()
        with terminal([PROGRAM, str(run)]) as (child, screen, _):
            seen(screen, b"SQL")
            os.write(screen, b"3G")
            time.sleep(2)  # until what only the start takes is done
            before = used(child)
            for _ in range(seconds * 20):
                log.writelines(next(lines) for _ in range(10))
                log.flush()
                time.sleep(0.05)
                while select.select([screen], [], [], 0)[0]:
                    os.read(screen, 1 << 16)
            share = (used(child) - before) / (seconds * 1000)
    print(f"\nlive, 200 events a second: {100 * share:.1f} % of a core")


def _live_line(number: int) -> str:
    name = "heartbeat" if number > 1 else ("run_start", "step_start")[number]
    now = datetime.now(UTC).isoformat()
    return f'{{"ts":"{now}","seq":{number},"session":"run_1","event":"{name}","step_id":"extract","rows":{number}}}\n'


def test_key_cpu_on_long_log(long_run: Path, tmp_path: Path) -> None:
    from osiris_inspect.tui.screens.run import RunScreen
    from osiris_inspect.tui.shared.data_source import LocalDataSource

    async def measure() -> None:
        app = InspectorApp(long_run, LocalDataSource(tmp_path), clock=time.time)
        async with app.run_test(size=(120, 40)) as pilot:
            begin = time.perf_counter()
            while not (isinstance(app.screen, RunScreen) and app.screen.report is not None):
                await asyncio.sleep(0.01)
            print(f"\n{EVENTS:,} events: on the screen after {time.perf_counter() - begin:.2f} s")
            await pilot.press("3")
            for keys in (["j"] * 50, ["space"] * 50, ["G", "g"] * 10, ["e", "g"] * 10):
                worst, cost = 0.0, time.process_time()
                for key in keys:
                    pressed = time.perf_counter()
                    await pilot.press(key)
                    worst = max(worst, time.perf_counter() - pressed)
                cost = (time.process_time() - cost) / len(keys)
                print(
                    f"  {' '.join(dict.fromkeys(keys)):<8} {cost * 1000:6.1f} ms of CPU a key, worst {worst * 1000:.0f} ms"
                )
            for text in ("event=step_failed", "away", "rows=77777"):
                await _filter(app, text)
            base = _peak_of([PYTHON, "-c", "import textual.app, textual.widgets, numpy"])
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"  memory: {peak:.0f} MB at most, with pytest in it; the frameworks alone {base:.0f} MB")

    asyncio.run(measure())


async def _filter(app: InspectorApp, text: str) -> None:
    """Filter, and tell when the first and the last row were there, and how long any key would have had to wait."""
    lines = app.screen.main_list  # type: ignore[attr-defined]  # the screen of a run
    worst, first, begin = 0.0, 0.0, time.perf_counter()
    lines.set_filter(text)
    while any(worker.is_running for worker in app.workers):
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        worst = max(worst, time.perf_counter() - before - 0.005)
        first = first or (time.perf_counter() - begin if lines.shown else 0.0)
    whole = time.perf_counter() - begin
    print(
        f"  filter {text:<18} first row {first:.2f} s, whole {whole:.2f} s, {len(lines):,} kept, a key waits {worst * 1000:.0f} ms"
    )
    lines.forget()


def _peak_of(arguments: list[str]) -> float:
    code = f"import resource, subprocess; subprocess.run({arguments!r}); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    return float(subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout)
