"""Addresses on the command line: every command that reads runs takes them, and says in one line what is wrong."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.web import serving
from tests.samples import SAMPLES

pytestmark = pytest.mark.sampled(3)

pytest.importorskip("s3fs", reason="the extra 'remote' is not installed")
boto3 = pytest.importorskip("boto3", reason="there is no S3 on this machine without moto")
pytest.importorskip("moto.server", reason="there is no S3 on this machine without moto")

ALL = sorted(run.name for run in SAMPLES.glob("*/run_*"))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The endpoint of an S3 on this machine, with the samples in ``s3://runs/logs``."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")  # fmt: skip
    client.create_bucket(Bucket="runs")
    for file in (path for path in SAMPLES.rglob("*") if path.is_file()):
        client.upload_file(str(file), "runs", f"logs/{file.relative_to(SAMPLES).as_posix()}")
    client.put_object(Bucket="runs", Key="logs/good_local/large.bin", Body=b"x" * 20_000_000)
    client.close()
    yield endpoint
    server.stop()


@pytest.fixture
def world(s3: str, tmp_path: Path) -> Mapping[str, str]:
    return {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }


def asked(world: Mapping[str, str], *words: str, cwd: Path) -> Done:
    done = osiris_inspect(*words, cwd=cwd, env=world)
    assert done.err == ""
    return done


def test_runs_of_a_bucket_are_listed(world: Mapping[str, str], tmp_path: Path) -> None:
    done = asked(world, "runs", "s3://runs/logs", "--json", cwd=tmp_path)

    assert sorted(json.loads(line)["id"] for line in done.out.splitlines()) == ALL


@pytest.mark.parametrize("story", ["good_local", "missing_input", "original_nonetype"])
def test_report_on_a_run_in_a_bucket_is_that_of_the_same_run_here(
    story: str, world: Mapping[str, str], tmp_path: Path
) -> None:
    far = asked(world, "summarize", f"s3://runs/logs/{story}", "--exit-zero", cwd=tmp_path)
    near = asked(world, "summarize", str(SAMPLES / story), "--exit-zero", cwd=tmp_path)

    assert far.out == near.out


@pytest.mark.parametrize(
    "words",
    [
        ("why", "s3://runs/logs/missing_input", "compute-stats"),
        ("lineage", "s3://runs/logs/all_spilled"),
        ("events", "s3://runs/logs/good_local", "event=step_*"),
        (
            "sql",
            "s3://runs/logs/all_spilled",
            'select count(*) as n from "extract-movies" join steps on true',
        ),
        ("open", "s3://runs/logs/good_local"),
    ],
    ids=lambda words: words[0],
)
def test_command_takes_an_address_like_a_path(
    words: tuple[str, ...], world: Mapping[str, str], tmp_path: Path
) -> None:
    local = [
        str(SAMPLES / word.removeprefix("s3://runs/logs/")) if word.startswith("s3:") else word
        for word in words
    ]

    assert asked(world, *words, cwd=tmp_path).out == asked(world, *local, cwd=tmp_path).out != ""


def test_large_file_beside_a_run_in_a_bucket_is_left_there(world: Mapping[str, str], tmp_path: Path) -> None:
    asked(world, "summarize", "s3://runs/logs/good_local", cwd=tmp_path)

    taken = sum(path.stat().st_blocks * 512 for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert taken < 1_000_000


def test_following_a_log_elsewhere_fetches_what_is_added(world: Mapping[str, str], tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "good_local", tmp_path / "far")
    with serving(tmp_path / "far") as web:
        done = asked(world, "events", web.address, "--follow", "event=run_end", cwd=tmp_path)

    assert "run_end" in done.out


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://no-such-bucket/logs", "no such folder"),
        ("s3://runs/no/such/folder", "no such folder"),
        ("xyz://runs/logs", "unknown protocol"),
    ],
)
def test_place_that_is_not_there_is_said_in_one_line(
    address: str, said: str, world: Mapping[str, str], tmp_path: Path
) -> None:
    done = osiris_inspect("summarize", address, cwd=tmp_path, env=world)

    assert (done.code, done.out) == (3, "")
    assert said in done.err
    assert done.err.count("\n") == 1


def test_want_of_credentials_is_said_in_one_line(world: Mapping[str, str], tmp_path: Path) -> None:
    without = {**world, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": os.devnull}
    done = osiris_inspect("why", "s3://runs/logs", "x", cwd=tmp_path, env=without)

    assert done.code == 3
    assert "credentials" in done.err
    assert done.err.count("\n") == 1


def test_missing_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "fsspec.py").write_text("raise ImportError(\"No module named 'fsspec'\")")
    done = osiris_inspect("summarize", "s3://runs/logs", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})

    assert "'s3fs>=2024.6'" in done.err
    assert done.err.count("\n") == 1


def test_path_of_this_machine_does_not_load_what_addresses_need(tmp_path: Path) -> None:
    (tmp_path / "fsspec.py").write_text("raise SystemExit(99)")
    env = {"PYTHONPATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    assert osiris_inspect("summarize", SAMPLES / "good_local", cwd=tmp_path, env=env).code == 0
