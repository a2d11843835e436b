"""CPU time and memory of each small input that could cost much. ``pytest -m bench -s``."""

from pathlib import Path

import pytest

from tests.small_inputs import MAX_BYTES, MAX_CPU_S, SmallInput, cost_of, pipelines, queries, runs

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("small", [*pipelines(), *runs(), *queries()], ids=str)
def test_cost_of_a_small_input(tmp_path: Path, small: SmallInput) -> None:
    cost = cost_of(small, tmp_path)
    note = "" if cost.cpu_s <= MAX_CPU_S and cost.peak_bytes <= MAX_BYTES else "  over the limit"
    print(f"\n{small.name:36} {cost.cpu_s:5.1f} s {cost.peak_bytes >> 20:5} MB  exit {cost.code}{note}")
