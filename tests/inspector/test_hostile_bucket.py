"""Names in a bucket are chosen by its writers: none leads out of the cache, and each file is what its key holds."""

import io
import os
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.formats import text
from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.remote import store_folder
from osiris_inspect.inspector.remote.open_remote import open_remote
from osiris_inspect.inspector.remote.remote import RemoteLimits
from osiris_inspect.model.errors import RunNotReadable
from tests.inspector.hostile_web import FOLDER, LOG, Request, answering

pytest.importorskip("s3fs", reason="the extra 'remote' is not installed")
boto3 = pytest.importorskip("boto3", reason="there is no S3 on this machine without moto")
pytest.importorskip("moto.server", reason="there is no S3 on this machine without moto")

RUN = "logs/run_1790000000000"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket of the test's own; ``put`` writes a key with its slashes, dots and escapes as they are."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    name = f"b{abs(hash(request.node.name)) % 10**9}"
    client.create_bucket(Bucket=name)

    class Bucket:
        address = f"s3://{name}/logs"

        def put(self, key: str, body: bytes = b"{}") -> None:
            client.put_object(Bucket=name, Key=key, Body=body)

    yield Bucket()
    client.close()
    remote_registry._registry.clear()


HOSTILE_KEYS = [
    "../../../outside.json",
    "cfg/../../../outside.json",
    "/etc/outside.json",
    "//outside.json",
    "cfg//outside.json",
    "./outside.json",
    "cfg/..",
    "x" * 250 + ".json",
    "/".join(["deep"] * 180 + ["deeper"] * 20) + ".json",
]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_key_that_leads_out_of_its_run_is_left_out(key: str, bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/events.jsonl", LOG)
    bucket.put(f"{RUN}/{key}")
    cache = tmp_path / "a" / "b" / "c" / "d" / "cache"

    (run,) = find_runs(open_remote(bucket.address, cache))
    report = analyze(run)

    assert len(report.run.events) == 2
    assert [file.name for file in run.rglob("*") if file.is_file()] == ["events.jsonl"]
    outside = [file for file in tmp_path.rglob("*") if file.is_file() and not file.is_relative_to(cache)]
    assert outside == []
    mirror = remote_registry.for_run(run)
    assert mirror is not None
    assert mirror.is_partial


def test_run_whose_name_leads_out_is_not_a_run(bucket: Any, tmp_path: Path) -> None:
    bucket.put("logs/../run_2/events.jsonl", LOG)
    bucket.put("logs/..", LOG)

    with pytest.raises(RunNotReadable, match="contains no run"):
        open_remote(bucket.address, tmp_path / "cache")
    assert not list(tmp_path.rglob("*.jsonl"))


def test_escapes_in_a_key_do_not_reach_the_report(bucket: Any, tmp_path: Path) -> None:
    evil = "run_\x1b]52;c;aGk=\x07\u202e_1790000000000"
    bucket.put(f"logs/{evil}/events.jsonl", LOG)

    (run,) = find_runs(open_remote(bucket.address, tmp_path))
    stream = io.StringIO()
    text.render([analyze(run)], stream)
    printed = stream.getvalue()

    assert run.name == evil
    assert not any(sign in printed for sign in "\x1b\x07\u202e")


def test_keys_that_differ_in_case_are_files_of_their_own(bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/events.jsonl", LOG)
    bucket.put(f"{RUN}/Events.jsonl", b"other\n")
    bucket.put(f"{RUN}/EVENTS.JSONL", b"another\n")

    (run,) = find_runs(open_remote(bucket.address, tmp_path))

    assert len(analyze(run).run.events) == 2
    assert (run / "events.jsonl").read_bytes() == LOG


@pytest.mark.parametrize("key", ["events.jsonl/", "events.jsonl/x.json", "events.jsonl/cfg/manifest.json"])
def test_folder_with_the_name_of_a_file_does_not_hide_it(key: str, bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/events.jsonl", LOG)
    bucket.put(f"{RUN}/{key}", b"")

    (run,) = find_runs(open_remote(bucket.address, tmp_path))

    assert len(analyze(run).run.events) == 2


@pytest.mark.parametrize("key", ["events.jsonl/", "events.jsonl/x.json", "events.jsonl/events.jsonl/x"])
def test_folder_in_place_of_a_log_is_not_a_run(key: str, bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/{key}", b"x")

    with pytest.raises(RunNotReadable, match="contains no run"):
        open_remote(bucket.address, tmp_path)


def test_log_that_becomes_a_folder_and_a_log_again_is_fetched(bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/events.jsonl", LOG)
    bucket.put(f"{RUN}/cfg/a.json", b"{}")
    (run,) = find_runs(open_remote(bucket.address, tmp_path))
    analyze(run)
    (run / "cfg" / "a.json").unlink()
    (run / "cfg" / "a.json").mkdir()
    (run / "events.jsonl").unlink()
    (run / "events.jsonl").mkdir()
    remote_registry._registry.clear()

    (again,) = find_runs(open_remote(bucket.address, tmp_path))

    assert len(analyze(again).run.events) == 2


def test_more_than_the_limit_is_not_downloaded(bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/events.jsonl", LOG * 1000)

    with pytest.raises(RunNotReadable, match="more than 5,000 bytes; raise the limit with --max-bytes"):
        open_remote(bucket.address, tmp_path, RemoteLimits(max_bytes=5000))
    assert max(file.stat().st_size for file in tmp_path.rglob("*.jsonl")) == 0


def test_fetched_runs_are_private_whatever_the_umask(bucket: Any, tmp_path: Path) -> None:
    bucket.put(f"{RUN}/events.jsonl", LOG)
    bucket.put(f"{RUN}/artifacts/a/output.bin", b"x" * 10)
    before = os.umask(0)
    try:
        (run,) = find_runs(open_remote(bucket.address, tmp_path / "cache"))
        analyze(run)
    finally:
        os.umask(before)

    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "cache").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_store_that_stops_answering_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"connect_timeout": 0.3, "read_timeout": 0.3, "retries": {"total_max_attempts": 2}}
    assert store_folder._S3_OPTIONS["config_kwargs"].keys() == options.keys()
    monkeypatch.setattr(store_folder, "_S3_OPTIONS", {"config_kwargs": options})
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    released = threading.Event()

    def silent(_: Request) -> Iterator[bytes]:
        released.wait(30)
        yield b""

    began = time.monotonic()
    with answering(silent) as web:
        monkeypatch.setenv("AWS_ENDPOINT_URL", web.address.removesuffix(FOLDER))
        try:
            with pytest.raises(RunNotReadable, match=r"cannot be fetched: .*[Tt]imeout"):
                open_remote("s3://bucket/logs", tmp_path)
        finally:
            released.set()
    assert time.monotonic() - began < 15
