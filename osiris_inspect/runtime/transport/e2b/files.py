"""Reads the files of an E2B sandbox with limits on size and time, whatever the sandbox answers."""

import asyncio
import hashlib
import inspect
import json
import os
import shlex
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

from osiris_inspect.model.errors import ProtocolError
from osiris_inspect.runtime.transport.e2b import errors as e2b_errors
from osiris_inspect.runtime.transport.e2b import list_files as list_files_program
from osiris_inspect.runtime.transport.e2b.retry import E2bRetryPolicy
from osiris_inspect.runtime.transport.e2b.upload import BASE, RUN
from osiris_inspect.runtime.transport.remote_files import RemoteFile, RemoteListing, parse_listing

REQUEST_TIMEOUT_S: Final = 30.0
COMMAND_TIMEOUT_S: Final = 900.0
MIN_BYTES_PER_S: Final = 256 * 1024
"""The slowest connection for which the timeouts of transfers suffice."""
_MAX_LISTING_CHARS: Final = 64 * 1024 * 1024
_MAX_STDIN_CHARS: Final = 512 * 1024


async def read_file(
    sandbox: Any, path: str, max_bytes: int, idle_timeout_s: float
) -> AsyncGenerator[bytes, None]:
    """Yield the contents of a file.

    Raises:
        ProtocolError: the file has more than ``max_bytes``.
        TimeoutError: no data arrived for ``idle_timeout_s``, as from a pipe.
    """
    async with asyncio.timeout(idle_timeout_s):
        stream = await sandbox.files.read(path, format="stream")
    try:
        chunks, size = aiter(stream), 0
        while True:
            async with asyncio.timeout(idle_timeout_s):
                chunk = await anext(chunks, None)
            if chunk is None:
                return
            size += len(chunk)
            if size > max_bytes:
                raise ProtocolError(
                    f"more than the expected {max_bytes:,} bytes arrived",
                    kind="artifact-lost",
                    fix="run again",
                    path=path,
                    expected_bytes=max_bytes,
                )
            yield chunk
    finally:
        if hasattr(stream, "aclose"):
            await stream.aclose()


async def write_stdin(sandbox: Any, pid: int, data: bytes) -> None:
    """Send data to the stdin of a process, in pieces that the SDK takes."""
    text = data.decode()  # split as text: a piece must not end within a character
    for start in range(0, len(text), _MAX_STDIN_CHARS):
        piece = text[start : start + _MAX_STDIN_CHARS]
        await sandbox.commands.send_stdin(pid, piece, request_timeout=REQUEST_TIMEOUT_S)


def discarded_output() -> dict[str, Any]:
    """Return the option of a command with which the SDK does not keep all output in memory, if it has one."""
    from e2b.sandbox_async.commands.command import Commands

    return {"retain_output": False} if "retain_output" in inspect.signature(Commands.run).parameters else {}


async def list_remote_files(
    sandbox: Any, python: str, folder: str, outputs: Sequence[str], max_bytes: tuple[int, int]
) -> RemoteListing:
    """Return the artifacts and output files in the sandbox; ``max_bytes`` are the largest of each to hash.

    Raises:
        ProtocolError: the files cannot be listed.
    """
    request = {
        "run": f"{folder}/{RUN}",
        "base": f"{folder}/{BASE}",
        "outputs": list(outputs),
        "max_artifact_bytes": max_bytes[0],
        "max_output_bytes": max_bytes[1],
    }
    # the program is sent here: a file in the sandbox could have been changed. -I and -S ignore the sandbox's
    # variables and packages
    command = f"exec {python} -I -S -c {shlex.quote(inspect.getsource(list_files_program))}"
    with e2b_errors.raised_as(ProtocolError, "", "artifact-lost"):
        output = await _output_of(sandbox, command, json.dumps(request).encode() + b"\n")
    return parse_listing(line for line in output.split("\n") if line)


async def _output_of(sandbox: Any, command: str, stdin: bytes) -> str:
    """Return the output of a command; end it if there is too much."""
    pieces: list[str] = []
    length = 0
    is_too_long = asyncio.Event()

    def collect(text: str) -> None:
        nonlocal length
        length += len(text)
        if length <= _MAX_LISTING_CHARS:
            pieces.append(text)
        else:
            is_too_long.set()

    process = await sandbox.commands.run(
        command,
        background=True,
        stdin=True,
        timeout=COMMAND_TIMEOUT_S,
        on_stdout=collect,
        on_stderr=lambda _: None,
        **discarded_output(),
    )
    ended = asyncio.ensure_future(process.wait())
    stopped = asyncio.ensure_future(is_too_long.wait())
    try:
        await write_stdin(sandbox, process.pid, stdin)
        await asyncio.wait({ended, stopped}, timeout=COMMAND_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done() and not is_too_long.is_set():
            raise ProtocolError(
                f"the listing did not end within {COMMAND_TIMEOUT_S:g} s",
                kind="network-timeout",
                fix="run again",
            )
        if is_too_long.is_set():
            raise ProtocolError(
                f"the listing has more than {_MAX_LISTING_CHARS:,} characters",
                kind="artifact-lost",
                fix="write fewer files, or run with --artifacts none",
                limit_bytes=_MAX_LISTING_CHARS,
            )
        ended.result()
    finally:
        stopped.cancel()
        ended.cancel()
    return "".join(pieces)


async def download(sandbox: Any, policy: E2bRetryPolicy, folder: str, file: RemoteFile, to: int) -> None:
    """Write a file of the sandbox to an empty open file.

    Raises:
        ProtocolError: the download failed, or size or hash differ from the listing.
    """
    path = f"{folder}/{BASE if file.is_output else RUN}/{file.path}"
    seconds = 2 * policy.idle_timeout_s + file.bytes / MIN_BYTES_PER_S
    with e2b_errors.raised_as(ProtocolError, "", "artifact-lost"):
        try:
            async with asyncio.timeout(seconds):
                size, digest = await policy.call(
                    lambda: _copy(sandbox, path, file.bytes, policy.idle_timeout_s, to)
                )
        except TimeoutError as error:
            raise ProtocolError(
                f"the download did not end within {seconds:.0f} s",
                kind="network-timeout",
                fix="run again",
                path=file.path,
            ) from error
    if (size, digest) != (file.bytes, file.sha256):
        raise ProtocolError(
            f"the download is damaged: {size:,} of {file.bytes:,} bytes arrived, or its hash differs",
            kind="artifact-lost",
            fix="run again",
            path=file.path,
            bytes=size,
            expected_bytes=file.bytes,
        )


async def _copy(sandbox: Any, path: str, max_bytes: int, idle_timeout_s: float, to: int) -> tuple[int, str]:
    os.ftruncate(to, 0)
    os.lseek(to, 0, os.SEEK_SET)
    digest, size = hashlib.sha256(), 0
    async with aclosing(read_file(sandbox, path, max_bytes, idle_timeout_s)) as chunks:
        async for chunk in chunks:
            data = memoryview(chunk)
            while data:
                data = data[os.write(to, data) :]
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()
