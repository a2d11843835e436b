"""Benchmarks run only when asked for: ``pytest -m bench``."""

import pytest

from tests.runtime.clouds import cloud, transport  # noqa: F401  fixtures of another folder, known to all benchmarks


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "bench" in (config.getoption("markexpr") or ""):
        return
    skip = pytest.mark.skip(reason="a benchmark; run it with -m bench -s")
    for item in items:
        if item.get_closest_marker("bench"):
            item.add_marker(skip)
