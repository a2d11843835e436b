"""The suites of fidelity pass with pandas 2 too, in an environment made for it: ``OSIRIS_TEST_PANDAS_2=1 pytest ...``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NEEDED = (
    "pandas>=2.2,<3",
    "duckdb>=2.0",
    "hypothesis>=6.100",
    "numpy>=2",
    "orjson>=3.10",
    "pyarrow>=18",
    "pytest>=8.4",
    "pytest-asyncio>=1.0",
    "python-dateutil",
    "pytz",
    "pyyaml>=6",
    "xxhash>=3.5",
)
SUITES = ("test_fidelity.py", "test_fidelity_in_sql.py", "test_store.py", "test_store_any_order.py")
HERE = Path(__file__).parent


def run(*words: str | Path) -> str:
    done = subprocess.run(
        [*map(str, words)], cwd=HERE.parents[1], capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with pandas 2."""
    if not os.environ.get("OSIRIS_TEST_PANDAS_2"):
        pytest.skip("makes an environment with pandas 2; set OSIRIS_TEST_PANDAS_2=1 to run it")
    folder = tmp_path_factory.mktemp("pandas_2")
    run(sys.executable, "-m", "venv", folder)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", *NEEDED)
    return folder / "bin/python"


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_of_fidelity_passes_with_pandas_2(python: Path, suite: str) -> None:
    assert run(python, "-c", "import pandas; print(pandas.__version__)").startswith("2.")
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / suite)
    assert " passed" in said
