"""Nodes: a chain runs at most once under one attempt, and its frames and files reach the shared store."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from osiris_inspect.runtime.cluster.chain_request import ChainRequest, ChainResult, ChainSecrets
from osiris_inspect.runtime.cluster.node import ABANDONED, Node
from tests.runtime.cluster.chain_runs import PublishedRun
from tests.runtime.cluster.counting import counts, pipeline
from tests.runtime.pipelines import TWO_BRANCHES
from tests.runtime.runs import events_of as events_of_run
from tests.runtime.runs import faulty, make_run


@pytest.fixture
def node() -> Iterator[Node]:
    """A node in this process."""
    node = Node()
    yield node
    node.close()


def _step_events(pairs: list[tuple[str | None, str]]) -> list[tuple[str | None, str]]:
    names = {"step_claimed", "frame_sent", "frame_fetched"}
    return [pair for pair in pairs if pair[0] is not None and pair[1] not in names]


def test_chain_has_the_events_of_a_sandbox(node: Node, tmp_path: Path, shared: str) -> None:
    with PublishedRun(tmp_path / "host", shared) as run:
        result = run.run(node, "extract-movies")
    local = make_run(tmp_path / "local", "sandbox")
    events = [(event.get("step_id"), event["event"]) for event in events_of_run(local.path)]
    assert _step_events(run.events()) == _step_events([pair for pair in events if pair[1] != "heartbeat"])
    assert {step: "failed" in answer for step, answer in result.answers.items()} == {
        "extract-movies": False,
        "compute-stats": False,
        "write-stats": False,
    }
    (output,) = [named for named in result.files if named.is_output]
    assert run.store.read(output.file.key) == (tmp_path / "local/stats.csv").read_bytes()


def test_frame_crosses_to_another_node(node: Node, tmp_path: Path, shared: str) -> None:
    other = Node()
    with PublishedRun(tmp_path, shared, TWO_BRANCHES) as run:
        run.run(node, "movies")
        result = run.run(other, "good")
        other.close()
    (fetched,) = [line["fields"] for line in run.lines if line.get("event") == "frame_fetched"]
    (resolved,) = [line["fields"] for line in run.lines if line.get("event") == "inputs_resolved"][:1]
    assert (fetched["from_step"], fetched["bytes"]) == ("movies", run.frames["movies"].bytes)
    assert resolved["from_spill"]
    assert resolved["fingerprint"] == run.frames["movies"].fingerprint
    (output,) = [named.file for named in result.files if named.is_output]
    assert run.store.read(output.key) == b"n\n14\n"


def test_frame_with_another_fingerprint_is_refused(node: Node, tmp_path: Path) -> None:
    with PublishedRun(tmp_path, str(tmp_path / "shared"), TWO_BRANCHES) as run:
        run.run(node, "movies")
        run.frames["movies"] = replace(run.frames["movies"], fingerprint="xxh3:0")
        other = Node()
        result = run.run(other, "good")
        other.close()
    assert result.failure["message"].startswith(
        "the frame of step 'movies' on the shared store is another one: its fingerprint is "
    )
    assert result.answers == {}


def test_attempt_runs_once_whoever_asks(node: Node, tmp_path: Path, shared: str) -> None:
    file = tmp_path / "counted"
    env = {"E2B_CAPTURE": "never"}
    with PublishedRun(tmp_path, shared, pipeline(file, "a count - 0"), env=env) as run:
        request = replace(run.request("a"), isolation="none")
        first = run.run(node, "a", request=request)
        other = Node()
        again = run.run(other, "a", request=request)
        other.close()
    assert counts(file) == ["begin a", "end a"]
    assert not first.is_replayed
    assert again == replace(first, is_replayed=True)


def test_claim_without_fate_names_its_owner(node: Node, tmp_path: Path, shared: str) -> None:
    file = tmp_path / "counted"
    with PublishedRun(tmp_path, shared, pipeline(file, "a count - 0")) as run:
        request = replace(run.request("a"), isolation="none")
        run.store.create(request.key("claims"), b'{"node":"machine-1:7","token":"x"}')
        result = run.run(node, "a", request=request)
    assert result == ChainResult("claimed_before", "machine-1:7")
    assert counts(file) == []


def test_abandoned_attempt_has_no_result(node: Node, tmp_path: Path, shared: str) -> None:
    file = tmp_path / "counted"
    with PublishedRun(tmp_path, shared, pipeline(file, "a count - 0")) as run:
        request = replace(run.request("a"), isolation="none")
        run.store.create(request.key("fate"), ABANDONED)
        result = run.run(node, "a", request=request)
        assert (result.outcome, result.answers) == ("abandoned", {})
        assert run.run(node, "a", request=request).outcome == "abandoned"
        second = replace(run.request("a", attempt=2), isolation="none")
        assert run.run(node, "a", request=second).outcome == "done"
    assert counts(file) == ["begin a", "end a"] * 2


def test_killed_worker_fails_and_next_attempt_has_a_new_one(node: Node, tmp_path: Path) -> None:
    with PublishedRun(tmp_path, str(tmp_path / "shared"), faulty("kill_9")) as run:
        first = run.run(node, "first")
        second = run.run(node, "first", attempt=2)
    for result in (first, second):
        error = result.answers["first"]["failed"]
        assert (error["error_info"]["kind"], error["error_info"]["facts"]["signal"]) == (
            "worker-killed",
            "SIGKILL",
        )
    starts = [name for _, name in run.events() if name == "worker_started"]
    assert len(starts) == 2


def test_failed_step_ends_its_chain(node: Node, tmp_path: Path) -> None:
    with PublishedRun(tmp_path, str(tmp_path / "shared"), TWO_BRANCHES) as run:
        run.run(node, "movies")
        result = run.run(node, "broken")
    assert list(result.answers) == ["broken"]
    assert result.answers["broken"]["failed"]["error_info"]["kind"] == "column-missing"


def test_secrets_stay_off_the_store(node: Node, tmp_path: Path) -> None:
    text = faulty("spill_secret", words="hunter2SECRET")
    with PublishedRun(tmp_path, str(tmp_path / "shared"), text, secrets=("hunter2SECRET",)) as run:
        request = run.request("first")
        assert request.has_secrets
        assert b"hunter2SECRET" not in request.encode()
        result = run.run(node, "first")
        everything = b"".join(run.store.read(key) or b"" for key in run.store.keys(""))
    assert "failed" in result.answers["first"]
    assert b"hunter2SECRET" not in everything + orjson.dumps(run.lines)
    assert "hunter2SECRET" not in repr(run.publisher.secrets_of(run.chains["first"]))


def test_secrets_that_do_not_come_leave_no_claim(node: Node, tmp_path: Path) -> None:
    with PublishedRun(
        tmp_path, str(tmp_path / "shared"), faulty("nothing", words="x"), secrets=("x",)
    ) as run:
        result = node.run(run.request("first"), lambda: None, lambda _first, _batch: None)
        assert result == ChainResult("not_ready", node.name)
        assert not [key for key in run.store.keys("") if "/claims/" in key]


def test_stopped_attempt_ends_its_step(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "counted"
    with PublishedRun(tmp_path, str(tmp_path / "shared"), pipeline(file, "a count - 60")) as run:
        request = replace(run.request("a"), isolation="none")
        result = node.run(
            request, ChainSecrets, lambda _first, _batch: None, lambda: counts(file) == ["begin a"]
        )
        assert result.outcome == "stopped"
        assert run.store.read(request.key("fate")) is None
    assert counts(file) == ["begin a"]


def test_other_version_of_the_code_is_refused(node: Node, tmp_path: Path) -> None:
    with PublishedRun(tmp_path, str(tmp_path / "shared")) as run:
        request = run.request("extract-movies")
        other = replace(request, contents={**request.contents, "package": "sha256:0"})
        result = run.run(node, "extract-movies", request=other)
    assert result.failure["error_info"]["kind"] == "version-mismatch"


def test_command_runs_a_request(tmp_path: Path) -> None:
    with PublishedRun(tmp_path, str(tmp_path / "shared")) as run:
        request = run.request("extract-movies")
        (tmp_path / "request.json").write_bytes(request.encode())
        command = [
            sys.executable,
            "-m",
            "osiris_inspect.runtime.cluster.node",
            str(tmp_path / "request.json"),
        ]
        ended = [subprocess.run(command, capture_output=True, check=False) for _ in range(2)]
        record = ChainResult.decode(run.store.read(request.key("records")) or b"")
    assert [each.returncode for each in ended] == [0, 0]
    *lines, last = ended[0].stdout.splitlines()
    assert ChainResult.decode(last) == record
    assert [int(line.split(b" ", 1)[0]) for line in lines] == list(range(record.lines))
    assert ended[1].stdout.splitlines() == [replace(record, is_replayed=True).encode()]


def test_request_and_result_survive_json(node: Node, tmp_path: Path) -> None:
    with PublishedRun(tmp_path, str(tmp_path / "shared"), TWO_BRANCHES) as run:
        result = run.run(node, "movies")
        request = run.request("good")
    assert request.frames == result.frames
    assert ChainRequest.decode(request.encode()) == request
    assert ChainResult.decode(result.encode()) == result
