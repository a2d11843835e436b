"""The same pipeline in E2B's own cloud: run with ``-m live`` and E2B_API_KEY set.

The default template has no pandas: name one that has by E2B_TEMPLATE, or the packages are installed in the run.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.runtime.transport.e2b.transport import E2bTransport
from tests.runtime.pipelines import STATS, TWO_BRANCHES
from tests.runtime.runs import comparable, make_run

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not os.environ.get("E2B_API_KEY"), reason="E2B_API_KEY is not set: E2B's cloud was not asked"
    ),
]


@pytest.fixture(autouse=True)
def asked_for(request: pytest.FixtureRequest) -> None:
    """A key that happens to be set is no wish to spend its money."""
    if "live" not in (request.config.option.markexpr or ""):
        pytest.skip("E2B's cloud is asked with -m live only")


@pytest.mark.parametrize("env", [{}, {"E2B_FORCE_SPILL": "1"}], ids=["memory", "spill"])
@pytest.mark.parametrize("text", [STATS, TWO_BRANCHES], ids=["good", "two branches, one broken"])
def test_a_run_in_the_cloud_ends_as_a_local_one_does(tmp_path: Path, text: str, env: dict[str, str]) -> None:
    here = make_run(tmp_path / "here", "local", text=text, env=env)
    far: Any = E2bTransport(os.environ)
    there = make_run(
        tmp_path / "there",
        "e2b",
        text=text,
        env=env,
        transport=far,
        artifact_policy="all",
        install_missing=True,
    )
    assert there.status == here.status, there.reason
    steps = [
        [(event["event"], event.get("step_id")) for event in comparable(path) if event.get("step_id")]
        for path in (here.path, there.path)
    ]
    assert steps[0] == steps[1]
    for output in (tmp_path / "here").glob("*.csv"):
        assert (tmp_path / "there" / output.name).read_bytes() == output.read_bytes()
