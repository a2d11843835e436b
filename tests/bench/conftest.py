"""Benchmarks run only when asked for: ``pytest -m bench``."""

import compileall
import sysconfig
from pathlib import Path

import pytest

import osiris_inspect
from tests.runtime.clouds import cloud, transport  # noqa: F401  fixtures of another folder, for all benchmarks


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "bench" in (config.getoption("markexpr") or ""):
        return
    skip = pytest.mark.skip(reason="a benchmark; run it with -m bench -s")
    for item in items:
        if item.get_closest_marker("bench"):
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile everything to bytecode, as pip does on installation; otherwise each start would compile anew."""
    for folder in (Path(osiris_inspect.__file__).parent, sysconfig.get_path("purelib")):
        compileall.compile_dir(folder, quiet=2, workers=0)
