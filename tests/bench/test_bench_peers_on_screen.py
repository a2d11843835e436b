"""A long log on a terminal: ours beside less, lnav, Toolong and Harlequin. ``pytest -m bench -s``.

From the start of a program until the first of the log is on the screen, then by keys to the failure near its end; with the
CPU that took and the memory it held then. Each program that is not installed is left out, and says so.
``OSIRIS_BENCH_EVENTS`` sets the number of events (1,000,000); ``OSIRIS_BENCH_TOOLONG`` and ``OSIRIS_BENCH_HARLEQUIN``
name the ``tl`` and the ``harlequin`` of environments of their own, which they want. Nobody answers what a program asks its
terminal, so one that waits for an answer is charged for it.
"""

import os
import re
import select
import shutil
import statistics
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.bench.on_terminal import FAILURE, lines, terminal
from tests.bench.pairs import print_row

pytestmark = pytest.mark.bench

EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "1_000_000"))
ROUNDS = 5
PATIENCE = 120.0
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[ -/]*[0-~])")


@dataclass(frozen=True)
class Program:
    """How a program is started on the log, and brought to the failure.

    Attributes:
        first: what shows that the first of the log is there.
        keys: pressed then.
        failure: what shows that the failure is there; never on the screen before.
        is_forgetful: whether it keeps what it learned of a log, and is to be without that.
    """

    command: tuple[str, ...]
    first: str
    keys: str
    failure: str
    is_forgetful: bool = False


@dataclass
class Taken:
    """What the rounds of a program took: seconds, seconds of a processor, megabytes."""

    first: list[float] = field(default_factory=list)
    failure: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose log has ``EVENTS`` lines, a failure near its end."""
    run = tmp_path_factory.mktemp("long") / "run_1795330492603"
    run.mkdir()
    with (run / "events.jsonl").open("w", encoding="utf-8") as log:
        log.writelines(lines(EVENTS))
    return run


def see(screen: int, text: str) -> None:
    """Read from a terminal until a text is seen on it. What only moves or colours does not stand in the way of it."""
    so_far, end = b"", time.perf_counter() + PATIENCE
    while select.select([screen], [], [], max(0.0, end - time.perf_counter()))[0]:
        so_far = so_far[-(1 << 18) :] + os.read(screen, 1 << 16)
        if text.encode() in _SEQUENCE.sub(b"", so_far):
            return
    raise AssertionError(f"{text!r} was not seen: {_SEQUENCE.sub(b'', so_far)[-500:]!r}")


def family(process: int) -> list[int]:
    """A process and those that it started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(other for child in children for other in family(int(child)))]


def cpu(process: int) -> float:
    """Seconds of a processor that a process, and those that it started, have used."""
    ticks = 0
    for one in family(process):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))  # its own, and of those of its children that have ended
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    """Megabytes that a process, and those that it started, held at most."""
    peaks = [re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{one}/status").read_text()) for one in family(process)]
    return sum(int(peak[1]) for peak in peaks if peak is not None) / 1024


def once(program: Program, taken: Taken, home: Path) -> None:
    """One round of a program."""
    if program.is_forgetful:
        shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    variables = {f"XDG_{what}_HOME": str(home) for what in ("CACHE", "CONFIG", "STATE", "DATA")}
    begin = time.perf_counter()
    with terminal(program.command, {**variables, "HOME": str(home)}) as (child, screen, _):
        see(screen, program.first)
        taken.first.append(time.perf_counter() - begin)
        if program.failure != program.first:
            os.write(screen, program.keys.encode())
            see(screen, program.failure)
        taken.failure.append(time.perf_counter() - begin)
        taken.cpu.append(cpu(child))
        taken.memory.append(memory(child))


def programs(run: Path) -> dict[str, Program]:
    """Those that are installed; of the others it is said that they are not."""
    log, ours = str(run / "events.jsonl"), (str(Path(sys.executable).with_name("osiris-inspect")), str(run))
    others = {
        "less": (shutil.which("less"), Program((log,), "run_start", "G", "step_failed")),
        "lnav": (shutil.which("lnav"), Program((log,), '"session"', "G", "step_failed")),
        "toolong": (
            os.environ.get("OSIRIS_BENCH_TOOLONG"),
            Program((log,), '"session"', "\x1b[F", "step_failed"),
        ),
        "harlequin": (
            os.environ.get("OSIRIS_BENCH_HARLEQUIN"),
            Program((), "memory", _asked(log), "row 42"),
        ),
    }
    found = {
        "ours, verdict": Program(ours, FAILURE, "", FAILURE),
        "ours, its line": Program(ours, "SQL", "3G", "step_failed"),
        "ours, the first time": Program(ours, "SQL", "3G", "step_failed", is_forgetful=True),
    }
    for name, (command, program) in others.items():
        if command is None:
            print(f"\n{name}: not installed")
        else:
            found[name] = replace(program, command=(command, *program.command))
    return found


def _asked(log: str) -> str:
    """What is typed into a program that is asked in SQL, and the key that asks it."""
    return f"select 'row ' || (40 + 2) as found from read_ndjson('{log}') where event = 'step_failed'\n"


def test_long_log_on_terminal_beside_peers(long_run: Path, tmp_path: Path) -> None:
    here = programs(long_run)
    taken = {name: Taken() for name in here}
    for number in range(ROUNDS + 1):
        for name, program in here.items():
            once(program, taken[name] if number else Taken(), tmp_path / name)
    print(
        f"\n{EVENTS:,} events, {(long_run / 'events.jsonl').stat().st_size / 1e6:,.0f} MB, {ROUNDS} rounds in turns, medians:"
    )
    print(f"{'':<22}{'first':>9}{'failure':>18}{'CPU':>18}{'memory':>18}")
    floor = taken["ours, its line"]
    for name, own in taken.items():
        first = statistics.median(own.first)
        cells = [
            f"{statistics.median(mine):7.2f}{unit} {statistics.median(mine) / statistics.median(its):6.2f}x"
            for mine, its, unit in (
                (own.failure, floor.failure, " s"),
                (own.cpu, floor.cpu, " s"),
                (own.memory, floor.memory, " MB"),
            )
        ]
        print(f"{name:<22}{first:7.2f} s" + "".join(f"{cell:>18}" for cell in cells))
    ours = statistics.median(taken["ours, the first time"].failure)
    for name, own in taken.items():
        peer = statistics.median(own.failure)
        print_row("open a long log for the first time, until its failure is shown", ours, name, peer)
