"""Small inputs cost little: CPU, memory, a clear word and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.small_inputs import (
    MAX_BYTES,
    MAX_CPU_S,
    SAVE_STATUS,
    TOLERANCE,
    SmallInput,
    cost_of,
    peak_of,
    pipelines,
    queries,
    runs,
    write_frame,
)

pytestmark = pytest.mark.sampled(3)


@pytest.mark.parametrize("small", [*pipelines(), *runs(), *queries()], ids=str)
def test_small_input_costs_little(tmp_path: Path, small: SmallInput) -> None:
    cost = cost_of(small, tmp_path)
    assert cost.code in small.codes, cost.output[-2_000:]
    assert small.message in cost.output
    assert "Traceback" not in cost.output
    assert len(cost.output) < 100_000
    assert cost.cpu_s <= TOLERANCE * MAX_CPU_S
    assert cost.peak_bytes <= TOLERANCE * MAX_BYTES


PAGE = """
from pathlib import Path
from osiris_inspect.inspector.tables.parquet_preview import ParquetFrameReader
from osiris_inspect.model.errors import SpillCorrupt
try:
    print(len(ParquetFrameReader(Path(sys.argv[1])).read_page(0, 50)))
except SpillCorrupt as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("dictionary", "50"),
        ("dictionaries", "50"),
        ("dictionary-of-many-rows", "50"),
        ("one-huge-cell", "is too large to show: column 'a.list.element' announces 120.0 MB in"),
        ("plain-text", "is too large to show: column 'a' announces 100.0 MB in"),
        ("many-columns", "1"),
    ],
)
def test_page_of_small_frame_takes_little_memory(tmp_path: Path, name: str, shown: str) -> None:
    write_frame(name, tmp_path / "frame.parquet")
    code = [
        sys.executable,
        "-c",
        SAVE_STATUS + PAGE,
        str(tmp_path / "status"),
        str(tmp_path / "frame.parquet"),
    ]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert shown in done.stdout
    assert peak_of(tmp_path / "status") <= MAX_BYTES
