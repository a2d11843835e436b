"""Whole processes side by side: turn by turn, so that a busy machine is unfair to all alike."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds of a processor, and seconds on the clock."""

    cpu: float
    wall: float


def side_by_side(
    commands: Mapping[str, Sequence[str]],
    times: int,
    folder: Path | None = None,
    *,
    before: Callable[[], None] = lambda: None,
    **variables: str,
) -> dict[str, list[Cost]]:
    """The costs of each command, in rounds; the first round, which fills caches, is not counted.

    ``before`` is called before each process.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(times + 1):
        for name, command in commands.items():
            before()
            cost = _once(command, folder, variables)
            if number:
                costs[name].append(cost)
    return costs


def told(costs: Mapping[str, Sequence[Cost]], beside: str) -> str:
    """A line for each command: medians, and the median of its ratios to the command that it stands beside."""
    floor = costs[beside]
    lines = []
    for name, own in costs.items():
        cpu = statistics.median(mine.cpu / its.cpu for mine, its in zip(own, floor, strict=True))
        wall = statistics.median(mine.wall / its.wall for mine, its in zip(own, floor, strict=True))
        took = statistics.median(cost.cpu for cost in own)
        lines.append(f"{name:<40} {took * 1000:6.0f} ms of CPU, {cpu:.2f}x; wall {wall:.2f}x")
    return "\n".join(lines)


def print_row(what: str, ours: float, peer: str, of_peer: float, unit: str = "s") -> None:
    """Print a row of the README's table: a median of ours, that of the strongest peer, and their ratio."""
    print(f"\nREADME | {what} | {ours:,.3g} {unit} | {peer} {of_peer:,.3g} {unit} | {ours / of_peer:.2f} |")


def print_costs(what: str, costs: Mapping[str, Sequence[Cost]]) -> None:
    """Print a row of CPU and one of time: the first command beside each of the others."""
    (_, ours), *peers = costs.items()
    for name, peer in peers:
        for unit, field in (("s", "wall"), ("s of CPU", "cpu")):
            own, its = (statistics.median(getattr(cost, field) for cost in side) for side in (ours, peer))
            print_row(what, own, name, its, unit)


def _once(command: Sequence[str], folder: Path | None, variables: Mapping[str, str]) -> Cost:
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1), f"{command} ended with {process.returncode}"
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - begin)
