"""The stand-in for E2B, where the packages it needs are installed."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.transport import E2bTransport
from tests.runtime.runs import TRANSPORTS, absent, needs

if TYPE_CHECKING:
    from osiris_inspect.runtime.transport.transport import Transport
    from tests.runtime.fake_e2b.cloud import Cloud

QUICK = E2bRetryPolicy(
    sandbox_timeout_s=30, stall_timeout_s=1.0, reconnect_timeout_s=10.0, idle_timeout_s=2.0, backoff=0.05
)


@pytest.fixture(scope="module")
def cloud() -> "Iterator[Cloud]":
    """A cloud of its own for a module of tests."""
    for module in ("e2b", "uvicorn", "starlette", "python_multipart"):
        if find_spec(module) is None:
            absent(f"there is no package {module}")
    from tests.runtime.fake_e2b.cloud import running

    with running() as cloud:
        yield cloud


@pytest.fixture
def transport(on: str, request: pytest.FixtureRequest) -> "Iterator[Transport]":
    """The transport a test is asked to run on; no sandbox is left behind."""
    if on != "e2b":
        needs(on)
        yield TRANSPORTS[on]()
        return
    cloud = request.getfixturevalue("cloud")
    yield in_the(cloud)
    assert not cloud.sandboxes
    cloud.faults.clear()


def in_the(cloud: "Cloud", patience: E2bRetryPolicy = QUICK, **more: Any) -> E2bTransport:
    """A transport into it, with the interpreter of the tests."""
    return E2bTransport({**cloud.environment(), **more}, retry_policy=patience, python=sys.executable)
