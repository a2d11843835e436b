"""Errors that the isolation of the worker explains are not blamed on servers and files."""

from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.model.finding import Finding
from tests.inspector.making import native, run_dir

STEPS = [("fetch", "acme.fetch", [])]
GRANTS = {"read": ["/opt/python"], "write": ["/work/shop", "/tmp/held"], "network": False}


def made(
    error: str,
    *,
    isolation: str = "bwrap",
    network: bool = False,
    config: dict[str, Any] | None = None,
    hidden: list[str] | None = None,
    **failed: Any,
) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Return the events, steps and files of a run in a sandbox whose step fails with an error."""
    grants = {**GRANTS, "network": network}
    started: dict[str, Any] = {"grants": grants}
    if hidden is not None:
        started = {"grants": {**grants, "hidden": hidden}, "guarantees": {"files": "yes"}}
    mode = "e2b" if isolation == "e2b" else "sandbox"
    lines = [
        native("run_start", 0, mode=mode),
        native("worker_started", 1, mode=mode, isolation=isolation, **started),
        native("step_start", 2, step_id="fetch", driver="acme.fetch"),
        native("step_failed", 3, step_id="fetch", driver="acme.fetch", error=error, **failed),
        native("run_end", 4, status="failed"),
    ]
    return lines, STEPS, {"cfg/fetch.json": config or {}}


def cause(folder: Path, error: str, **how: Any) -> Finding:
    lines, steps, files = made(error, **how)
    report = analyze(run_dir(folder, lines, steps=steps, files=files))
    assert report.root_cause is not None
    return report.root_cause


def info(kind: str, message: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "message": message, "fix": None, "facts": facts, "type": "OSError", "chain": []}


NO_SERVER = [
    "[Errno 111] Connection refused",
    "HTTPConnectionPool(host='api', port=80): Failed to resolve 'api' ([Errno -3] Temporary failure in name resolution)",
    "[Errno 101] Network is unreachable",
    "[Errno -2] Name or service not known",
]


@pytest.mark.parametrize("error", NO_SERVER)
def test_sandbox_without_network_is_the_cause(tmp_path: Path, error: str) -> None:
    found = cause(tmp_path, error, error_type="ConnectionError")
    assert found.id == "sandbox-denied@fetch"
    assert "had no network" in found.message
    assert "--isolation none" in (found.fix or "")


@pytest.mark.parametrize("error", NO_SERVER)
def test_sandbox_with_network_is_not_the_cause(tmp_path: Path, error: str) -> None:
    assert cause(tmp_path, error, network=True).rule != "sandbox-denied"


def test_run_without_sandbox_is_not_explained_by_it(tmp_path: Path) -> None:
    assert cause(tmp_path, NO_SERVER[0], isolation="none").rule == "connection-refused"


def test_recorded_kind_of_refused_connection_is_explained(tmp_path: Path) -> None:
    message = "[Errno 111] Connection refused"
    found = cause(tmp_path, message, error_info=info("connection-refused", message, errno="ECONNREFUSED"))
    assert found.rule == "sandbox-denied"


def test_landlock_that_denies_a_connection_is_the_cause(tmp_path: Path) -> None:
    message = "[Errno 13] Permission denied"
    found = cause(
        tmp_path,
        message,
        isolation="landlock",
        error_type="PermissionError",
        traceback='  File "x.py", line 3, in run\n    sock.connect(address)\nPermissionError: [Errno 13] Permission denied',
        error_info=info("permission-denied", message, errno="EACCES"),
    )
    assert (found.rule, "had no network" in found.message) == ("sandbox-denied", True)


@pytest.mark.parametrize(
    ("number", "text", "kind"),
    [
        (30, "Read-only file system", "path-not-writable"),
        (13, "Permission denied", "permission-denied"),
        (2, "No such file or directory", "file-missing"),
    ],
)
def test_path_outside_of_the_sandbox_is_named(tmp_path: Path, number: int, text: str, kind: str) -> None:
    message = f"[Errno {number}] {text}: '/data/acme-cache'"
    found = cause(tmp_path, message, error_info=info(kind, message, path="/data/acme-cache"))
    assert found.rule == "sandbox-denied"
    assert "/data/acme-cache" in found.message
    assert "the sandbox (bwrap)" in found.message
    assert "--isolation none" in (found.fix or "")


def test_query_of_a_file_outside_of_the_sandbox_names_an_extractor(tmp_path: Path) -> None:
    text = 'IO Error: No files found that match the pattern "/tmp/elsewhere/x.csv"'
    found = cause(tmp_path, text, config={"query": "FROM '/tmp/elsewhere/x.csv'"})
    assert found.rule == "sandbox-denied"
    assert found.message.endswith("the sandbox (bwrap) does not show this path of the host")
    assert found.fix == (
        "read the file with an extractor step, such as filesystem.csv_extractor, and its rows in the query, or run "
        "without a sandbox (--isolation none)"
    )


@pytest.mark.parametrize(
    ("message", "config"),
    [
        ("[Errno 2] No such file or directory: '/work/shop/a.csv'", {}),
        ("[Errno 2] No such file or directory: '/usr/share/zoneinfo/Nope'", {}),
        ("[Errno 2] No such file or directory: '/data/a.csv'", {"path": "/data/a.csv"}),
        ("[Errno 13] Permission denied: '/work/shop/a.csv'", {}),
    ],
)
def test_path_that_the_sandbox_allows_is_not_its_fault(
    tmp_path: Path, message: str, config: dict[str, Any]
) -> None:
    assert cause(tmp_path, message, config=config).rule != "sandbox-denied"


@pytest.mark.parametrize("text", ["[Errno 30] Read-only file system", "[Errno 13] Permission denied"])
def test_direct_write_of_output_is_explained(tmp_path: Path, text: str) -> None:
    config = {"path": "/data/out.txt"}
    found = cause(tmp_path, f"{text}: '/data/out.txt'", config=config, hidden=[])
    assert found.rule == "sandbox-denied"
    assert "output_file(config, ctx)" in (found.fix or "")


def test_hidden_file_of_pipeline_folder_is_explained(tmp_path: Path) -> None:
    message = "[Errno 2] No such file or directory: '/work/shop/.git/HEAD'"
    found = cause(tmp_path, message, hidden=["/work/shop/.git"])
    assert (found.rule, "does not show" in found.message) == ("sandbox-denied", True)


def test_localhost_in_a_remote_sandbox_is_the_sandbox(tmp_path: Path) -> None:
    message = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused'
    found = cause(tmp_path, message, isolation="e2b")
    assert found.rule == "sandbox-denied"
    assert "not this machine" in found.message
