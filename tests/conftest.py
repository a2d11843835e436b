"""What every test needs of the process it runs in."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts what it puts in the background with ctrl+c ignored, and the programs that tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["PAGER"] = "cat"  # a command on a pseudo-terminal would wait in a pager


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a fixed sample of each suite marked ``sampled(n)``: every n-th case. ``-m full`` runs all its cases."""
    is_full = "full" in (config.getoption("markexpr") or "")
    counts: Counter[tuple[Path, str]] = Counter()
    left_out = []
    for item in items:
        mark = item.get_closest_marker("sampled")
        if mark is None:
            continue
        suite = item.path, getattr(item, "originalname", item.name)
        if is_full:
            item.add_marker("full")
        elif counts[suite] % mark.args[0]:
            left_out.append(item)
        counts[suite] += 1
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        dropped = set(left_out)
        items[:] = [item for item in items if item not in dropped]
