"""Questions about a long log, side by side with other programs: ``pytest -m bench -s``.

Whole commands, from their start to their end, in turns. A program that is not installed is left out, with a message.
``OSIRIS_BENCH_EVENTS`` sets the number of events (1,000,000). Toolong has no way to be asked without a terminal.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.bench.pairs import Cost, print_costs, side_by_side
from tests.bench.test_bench_reading import _event

pytestmark = pytest.mark.bench
EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "1_000_000"))
ROUNDS = 3
PROGRAM = str(Path(sys.executable).with_name("osiris-inspect"))
DUCKDB = """
import sys, duckdb
columns = {"event": "VARCHAR", "step_id": "VARCHAR", "ts": "TIMESTAMP"}
for row in duckdb.sql(sys.argv[1].format(events=f"read_ndjson({sys.argv[2]!r}, columns = {columns})")).fetchall():
    print(row)
"""
OF_LNAV = {
    "osiris_log": {
        "title": "events of a run",
        "file-type": "json",
        "file-pattern": ".*[.]jsonl",
        "timestamp-field": "ts",
        "line-format": [{"field": "__timestamp__"}, " ", {"field": "event"}, " ", {"field": "step_id"}],
        "value": {
            "event": {"kind": "string", "identifier": True},
            "step_id": {"kind": "string", "identifier": True},
        },
    }
}
"""The log format for lnav; without it lnav sees lines of text and cannot count events."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the log format for lnav and nothing else."""
    folder = tmp_path_factory.mktemp("home")
    formats = folder / ".config" / "lnav" / "formats" / "installed"
    formats.mkdir(parents=True)
    lnav_format = {"$schema": "https://lnav.org/schemas/format-v1.schema.json", **OF_LNAV}
    (formats / "osiris.json").write_text(json.dumps(lnav_format))
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The log of a run of many events."""
    run = tmp_path_factory.mktemp("peers") / "run_1795330491986"
    run.mkdir()
    with (run / "events.jsonl").open("wb", buffering=1 << 20) as stream:
        stream.writelines(map(_event, range(EVENTS)))
    yield run / "events.jsonl"
    shutil.rmtree(run)


def installed(programs: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, Sequence[str]]:
    """Return the commands whose program is installed; print the others."""
    for name, (program, _) in programs.items():
        if shutil.which(program) is None:
            print(f"\n{name} is left out: {program!r} is not installed")
    return {name: words for name, (program, words) in programs.items() if shutil.which(program)}


def measured(
    what: str, ours: Sequence[str], others: Mapping[str, tuple[str, Sequence[str]]], home: Path
) -> None:
    """Print the cost of our command without and with its cache, and of the peers."""
    cache = home / ".cache"
    env = {"HOME": str(home), "XDG_CACHE_HOME": str(cache), "XDG_CONFIG_HOME": str(home / ".config")}
    costs = side_by_side(
        {"first": ours}, ROUNDS, before=lambda: shutil.rmtree(cache, ignore_errors=True), **env
    )
    costs |= side_by_side({"again": ours, **installed(others)}, ROUNDS, **env)
    print(f"\n{EVENTS:,} events\n{table(costs)}")
    first, again, *peers = costs
    for name in (first, again):
        print_costs(f"{what}, {name}", {name: costs[name], **{peer: costs[peer] for peer in peers}})


def table(costs: Mapping[str, Sequence[Cost]]) -> str:
    """Return a line for each command: its medians, and their ratio to the first command's."""
    medians = {name: (_median(cost.wall for cost in all_), _median(cost.cpu for cost in all_)) for name, all_ in costs.items()}  # fmt: skip
    wall, cpu = next(iter(medians.values()))
    return "\n".join(
        f"{name:<40} {own[0]:7.2f} s ({own[0] / wall:5.2f}x)   {own[1]:7.2f} s of CPU ({own[1] / cpu:5.2f}x)"
        for name, own in medians.items()
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def test_count_by_event_name(log: Path, home: Path) -> None:
    query, path = "select event, count(*) from events group by 1", str(log)
    lnav = query.replace("events", "osiris_log")
    measured(
        "count 1M events by name with SQL",
        [PROGRAM, "sql", str(log.parent), query],
        {
            "DuckDB": (sys.executable, _duckdb("select event, count(*) from {events} group by 1", path)),
            "jq, reduce": ("jq", ["jq", "-n", "reduce inputs.event as $kind ({}; .[$kind] += 1)", path]),
            "jq, sort, uniq": ("jq", ["sh", "-c", f"jq -r .event '{path}' | sort | uniq -c"]),
            "lnav": ("lnav", ["lnav", "-n", "-c", f";{lnav}", path]),
        },
        home,
    )


def test_failed_steps(log: Path, home: Path) -> None:
    path = str(log)
    measured(
        "find the failed steps in 1M events",
        [PROGRAM, "events", path, "event=step_failed", "--raw"],
        {
            "ripgrep": ("rg", ["rg", "--no-config", '"event":"step_failed"', path]),
            "DuckDB": (
                sys.executable,
                _duckdb("select ts, step_id from {events} where event = 'step_failed'", path),
            ),
            "jq": ("jq", ["jq", "-c", 'select(.event == "step_failed")', path]),
            "lnav": (
                "lnav",
                ["lnav", "-n", "-c", ";select * from osiris_log where event = 'step_failed'", path],
            ),
        },
        home,
    )


def _duckdb(query: str, path: str) -> list[str]:
    return [sys.executable, "-c", DUCKDB, query, path]


def test_all_programs_find_the_same_failed_steps(log: Path, home: Path) -> None:
    env = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "XDG_CACHE_HOME": str(home / ".cache")}  # fmt: skip
    counts = {
        "osiris-inspect": [PROGRAM, "events", str(log), "event=step_failed", "--raw"],
        "jq": ["jq", "-c", 'select(.event == "step_failed")', str(log)],
        "rg": ["rg", "--no-config", '"event":"step_failed"', str(log)],
        "lnav": ["lnav", "-n", "-c", ";select event from osiris_log where event = 'step_failed'", "-c", ":write-jsonlines-to -", str(log)],
    }  # fmt: skip
    found = {
        name: len([line for line in subprocess.run(words, capture_output=True, check=True, env=env).stdout.splitlines() if b"step_failed" in line])
        for name, words in counts.items()
        if name == "osiris-inspect" or shutil.which(name)
    }  # fmt: skip
    assert set(found.values()) == {sum(number % 97 > 0 for number in range(5_000, EVENTS, 10_007))}, found
