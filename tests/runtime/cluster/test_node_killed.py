"""A node that is killed: no attempt runs twice, and what it left decides what the host may do."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.runtime.cluster.node import ABANDONED, Node
from tests.runtime.cluster.chain_runs import PublishedRun
from tests.runtime.cluster.counting import counts, pipeline

NOT_RUN: list[str] = []
RUN = ["begin a", "end a"]
POINTS = {
    "before claims": ("done", NOT_RUN),
    "after claims": ("claimed_before", NOT_RUN),
    "before commit": ("claimed_before", NOT_RUN),
    "after commit": ("claimed_before", RUN),
    "before frames": ("claimed_before", RUN),
    "after frames": ("claimed_before", RUN),
    "before lines": ("claimed_before", RUN),
    "before records": ("claimed_before", RUN),
    "after records": ("claimed_before", RUN),
    "before fate": ("claimed_before", RUN),
    "after fate": ("done", RUN),
}
"""Point of the kill to the answer of another machine that is given the same attempt, and the lines of the driver."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("point", POINTS)
def test_attempt_of_killed_node_runs_once(point: str, tmp_path: Path, shared: str) -> None:
    file = tmp_path / "counted"
    outcome, lines = POINTS[point]
    other = Node()
    with PublishedRun(tmp_path, shared, pipeline(file, "a count - 0", "b count a 0", "c count a 0")) as run:
        request = replace(run.request("a"), isolation="none")
        (tmp_path / "request.json").write_bytes(request.encode())
        command = [sys.executable, "-m", "tests.runtime.cluster.dying_node", *point.split()]
        killed = subprocess.run([*command, str(tmp_path / "request.json")], capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert counts(file) == lines
        again = run.run(other, "a", request=request)
        assert (again.outcome, again.is_replayed) == (outcome, point == "after fate")
        assert counts(file) == (RUN if point == "before claims" else lines)
        may_run_again = run.store.create(request.key("fate"), ABANDONED)
        assert may_run_again is (outcome == "claimed_before")
        if may_run_again:
            second = run.run(other, "a", request=replace(run.request("a", attempt=2), isolation="none"))
            assert (second.outcome, counts(file)) == ("done", lines + RUN)
    other.close()
