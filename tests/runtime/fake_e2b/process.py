"""Processes of a sandbox that is none: output goes to whoever is attached, and is thrown away where nobody is."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

from e2b.envd.process import process_pb as pb
from protobuf import Oneof

CHUNK = 32 * 1024


class Process:
    """One process with a group of its own, and those attached to it."""

    def __init__(self, child: asyncio.subprocess.Process, config: Any) -> None:
        self.child, self.config = child, config
        self.attached: list[asyncio.Queue[Any]] = []
        self.ended: Any = None
        self.thrown_away = 0
        self._task = asyncio.ensure_future(self._live())

    @property
    def pid(self) -> int:
        return self.child.pid

    def kill(self) -> None:
        """End the whole group, as the end of a machine does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._task.cancel()
        self.child._transport.close()  # type: ignore[attr-defined]

    def detach_all(self) -> None:
        """Break every stream in the middle."""
        for queue in self.attached:
            queue.put_nowait(None)
        self.attached.clear()

    async def stream(self) -> AsyncIterator[Any]:
        """The events of the process from now on."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        yield Oneof("start", pb.ProcessEvent.StartEvent(pid=self.pid))
        if self.ended is not None:
            yield Oneof("end", self.ended)
            return
        self.attached.append(queue)
        try:
            while True:
                event = await queue.get()
                if event is None:
                    raise ConnectionError("the stream was cut")
                yield event
                if event.field == "end":
                    return
        finally:
            if queue in self.attached:
                self.attached.remove(queue)

    async def _live(self) -> None:
        await asyncio.gather(self._pump(self.child.stdout, "stdout"), self._pump(self.child.stderr, "stderr"))
        code = await self.child.wait()
        self.ended = _end(code)
        for queue in self.attached:
            queue.put_nowait(Oneof("end", self.ended))

    async def _pump(self, stream: Any, kind: str) -> None:
        while data := await stream.read(CHUNK):
            if not self.attached:
                self.thrown_away += len(data)
            for queue in self.attached:
                queue.put_nowait(Oneof("data", pb.ProcessEvent.DataEvent(output=Oneof(kind, data))))


def _end(code: int) -> Any:
    if code < 0:
        words = {9: "killed", 15: "terminated", 11: "segmentation fault"}.get(-code, str(-code))
        return pb.ProcessEvent.EndEvent(
            exit_code=-1, exited=False, status=f"signal: {words}", error=f"signal: {words}"
        )
    if code:
        return pb.ProcessEvent.EndEvent(
            exit_code=code, exited=True, status=f"exit status {code}", error=f"exit status {code}"
        )
    return pb.ProcessEvent.EndEvent(exit_code=0, exited=True, status="exit status 0")
