"""Shared stores, and the variables with which nodes find the drivers of the tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runtime.faulty import REPO

if TYPE_CHECKING:
    from tests.runtime.servers.seaweedfs import S3Server


@pytest.fixture(scope="session")
def s3_server() -> "Iterator[S3Server]":
    """An S3 server of this test session."""
    from tests.runtime.servers import seaweedfs

    with seaweedfs.serve() as server:
        yield server


@pytest.fixture(params=["folder", "s3"])
def shared(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty shared store of each kind."""
    if request.param == "folder":
        return str(tmp_path / "shared")
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    return f"{server.url}/{tmp_path.name}"


@pytest.fixture(autouse=True)
def _python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPO))
