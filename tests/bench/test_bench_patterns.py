"""Growth of the time of each pattern with the text, and a report of an error text of 1 MB. ``pytest -m bench -s``.

CPU time over texts of 10, 20 and 40 kB that repeat one unit: a character of each kind, or a beginning of a text that the
pattern matches. Set ``OSIRIS_BENCH_PATTERN`` to a part of a place to measure a few patterns.
"""

import os
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector.making import CHAIN, failing_locally, run_dir
from tests.patterns import Pattern, all_patterns, samples

pytestmark = pytest.mark.bench

SIZES = (10_000, 20_000, 40_000)
MAX_GROWTH = 2.5
"""Of the time, where the text doubles."""
MIN_SECONDS = 0.01
"""A shorter search is not judged: its time is mostly that of the clock."""
MAX_SECONDS = 0.5
"""A text that takes longer is not doubled."""
UNITS = ("a", "A", "0", " ", "_", "-", ".", ",", "/", '"', "'", "\\", "(", "\n", "\t", "é", "a ", "a.", "a,", '"a', "a=", "{", "a:", "\n ")  # fmt: skip
PATTERNS = [each for each in all_patterns() if os.environ.get("OSIRIS_BENCH_PATTERN", "") in each.where]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_time_of_a_search_grows_with_the_text(pattern: Pattern) -> None:
    slow = [(unit, factor, seconds) for unit, factor, seconds in _growth(pattern) if factor > MAX_GROWTH]
    assert not slow


def _growth(pattern: Pattern) -> Iterator[tuple[str, float, float]]:
    """Yield each unit whose search takes long, with the growth at each doubling and the seconds of the last."""
    for unit in dict.fromkeys((*UNITS, *samples(pattern))):
        if _seconds(pattern, unit, SIZES[0], repeats=1) < MIN_SECONDS / (SIZES[-1] / SIZES[0]) ** 2:
            continue  # the longest text is not judged even if the time is quadratic
        seconds: list[float] = []
        for size in SIZES:
            seconds.append(_seconds(pattern, unit, size))
            if seconds[-1] > MAX_SECONDS:
                break
        if seconds[-1] >= MIN_SECONDS and len(seconds) > 1:
            yield unit, round(min(b / max(a, 1e-9) for a, b in pairwise(seconds)), 1), round(seconds[-1], 3)
        elif seconds[-1] > MAX_SECONDS:
            yield unit, float("inf"), round(seconds[-1], 3)


def _seconds(pattern: Pattern, unit: str, size: int, repeats: int = 3) -> float:
    text = unit * (size // len(unit))
    subject = text.encode() if isinstance(pattern.text, bytes) else text
    regex = pattern.regex
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        if pattern.is_searched:
            for _match in regex.finditer(subject):
                pass
        else:
            regex.match(subject)
        best = min(best, time.process_time() - start)
        if best < MIN_SECONDS / 8 or best > MAX_SECONDS:
            break
    return best


@pytest.mark.parametrize(
    "unit", ["x", "\\x5c", "word ", "1, ", "path/", '"', "'a' ", "line\n", "a=b; ", "<p>"]
)
def test_error_text_of_a_megabyte(tmp_path: Path, unit: str) -> None:
    seconds = {}
    for size in (1_000, 10_000, 30_000, 100_000, 1_000_000):
        error = f"psycopg2.errors: {size} value {unit * (size // len(unit))} is not valid"
        other = run_dir(tmp_path / f"other-{size}", failing_locally(f"other {error}"), steps=CHAIN)
        analyze(other)  # compiles the patterns; each text is another, because searches are cached
        path = run_dir(tmp_path / str(size), failing_locally(error), steps=CHAIN)
        start = time.process_time()
        analyze(path)
        seconds[size] = time.process_time() - start
    print(f"\n{unit!r}: " + ", ".join(f"{size:,} bytes {taken:.2f} s" for size, taken in seconds.items()))
    assert seconds[1_000_000] - seconds[1_000] <= 0.3
