"""Where servers for tests run: a folder and a port of their own, as a user that may."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest


def binary(name: str, *folders: str) -> str:
    """The path of a server's program; skips the test where it is missing, and fails it in CI, where it must be there."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *folders])
    found = shutil.which(name, path=path)
    if found is None:
        reason = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and in CI it must be")
        pytest.skip(reason)
    return found


def user_for(*names: str) -> str | None:
    """The user a server runs as: None for ourselves, unless that is root, as whom no server runs."""
    if os.geteuid() != 0:
        return None
    there = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in (*names, "nobody") if name in there)


@contextmanager
def folder_of(user: str | None) -> Iterator[Path]:
    """A throwaway folder that the server's user owns."""
    path = Path(tempfile.mkdtemp(prefix="osiris-test-"))
    try:
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(path, entry.pw_uid, entry.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: list[str], folder: Path, user: str | None, answers: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """A server while it runs: waited for until it answers, ended when the block ends."""
    # a test process that is killed takes its servers with it
    command = [binary("setpriv"), "--pdeathsig", "TERM", *command]
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=out, user=user, extra_groups=[] if user else None
        )
    try:
        until = monotonic() + 60
        while not answers():
            if server.poll() is not None or monotonic() > until:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            sleep(0.05)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
