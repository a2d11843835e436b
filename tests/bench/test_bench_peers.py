"""What one asks of a long log, asked of this program and of others that people use for it. ``pytest -m bench -s``.

Whole commands, from their start to their end, in turns; each program that is not installed is left out, and says so.
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

from tests.bench.pairs import Cost, side_by_side
from tests.bench.test_bench_reading import _event

pytestmark = pytest.mark.bench
EVENTS = int(os.environ.get("OSIRIS_BENCH_EVENTS", "1_000_000"))
ROUNDS = 3
PROGRAM = str(Path(sys.executable).with_name("osiris-inspect"))
COUNT = """
import os, sys
from pathlib import Path
import numpy as np
from osiris_inspect.inspector.event_log.index.index_file import IndexCache, open_index
index = open_index(os.open(sys.argv[1], os.O_RDONLY), IndexCache(Path(sys.argv[2])))
print(dict(zip(index.scanner.event_names.texts, np.bincount(index.event_codes)[1:].tolist())))
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
"""How lnav is told what an event is; without that it sees lines of text and cannot count them by kind."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with nothing but what lnav must know of such logs."""
    folder = tmp_path_factory.mktemp("home")
    formats = folder / ".config" / "lnav" / "formats" / "installed"
    formats.mkdir(parents=True)
    told = {"$schema": "https://lnav.org/schemas/format-v1.schema.json", **OF_LNAV}
    (formats / "osiris.json").write_text(json.dumps(told))
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
    """The commands whose program is here; what is not is said."""
    for name, (program, _) in programs.items():
        if shutil.which(program) is None:
            print(f"\n{name} is left out: {program!r} is not installed")
    return {name: words for name, (program, words) in programs.items() if shutil.which(program)}


def measured(
    ours: Mapping[str, Sequence[str]], others: Mapping[str, tuple[str, Sequence[str]]], home: Path
) -> None:
    """Print what the first and every later time of ours takes, and what others take, beside our first time."""
    cache = home / ".cache"
    env = {"HOME": str(home), "XDG_CACHE_HOME": str(cache), "XDG_CONFIG_HOME": str(home / ".config")}
    costs = side_by_side(
        {f"{name}, nothing kept": words for name, words in ours.items()},
        ROUNDS,
        before=lambda: shutil.rmtree(cache, ignore_errors=True),
        **env,
    )
    costs |= side_by_side({f"{name}, again": words for name, words in ours.items()}, ROUNDS, **env)
    costs |= side_by_side(installed(others), ROUNDS, **env)
    print(f"\n{EVENTS:,} events\n{table(costs)}")


def table(costs: Mapping[str, Sequence[Cost]]) -> str:
    """A line for each command: its medians, and how many times as long as the first one's it took."""
    medians = {name: (_median(cost.wall for cost in all_), _median(cost.cpu for cost in all_)) for name, all_ in costs.items()}  # fmt: skip
    wall, cpu = next(iter(medians.values()))
    return "\n".join(
        f"{name:<40} {own[0]:7.2f} s ({own[0] / wall:5.2f}x)   {own[1]:7.2f} s of CPU ({own[1] / cpu:5.2f}x)"
        for name, own in medians.items()
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def test_a_count_by_kind(log: Path, home: Path) -> None:
    path = str(log)
    measured(
        {
            "index": [sys.executable, "-c", COUNT, path, str(home / ".cache" / "indexes")],
            "osiris-inspect sql": [
                PROGRAM,
                "sql",
                str(log.parent),
                "select event, count(*) from events group by 1",
            ],
        },
        {
            "jq, reduce": ("jq", ["jq", "-n", "reduce inputs.event as $kind ({}; .[$kind] += 1)", path]),
            "jq, sort, uniq": ("jq", ["sh", "-c", f"jq -r .event '{path}' | sort | uniq -c"]),
            "lnav": (
                "lnav",
                ["lnav", "-n", "-c", ";select event, count(*) from osiris_log group by event", path],
            ),
        },
        home,
    )


def test_every_failed_step(log: Path, home: Path) -> None:
    path = str(log)
    measured(
        {"osiris-inspect events": [PROGRAM, "events", path, "event=step_failed", "--raw"]},
        {
            "jq": ("jq", ["jq", "-c", 'select(.event == "step_failed")', path]),
            "ripgrep": ("rg", ["rg", "--no-config", '"event":"step_failed"', path]),
            "lnav": (
                "lnav",
                ["lnav", "-n", "-c", ";select * from osiris_log where event = 'step_failed'", path],
            ),
        },
        home,
    )


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
