"""A writer of PostgreSQL whose process is killed at a time that its configuration names, and its component."""

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from osiris_inspect.runtime.drivers.postgres.driver import PostgresWriter
from osiris_inspect.runtime.pipeline.component import ConfigKey
from tests.runtime.faulty import COMPONENTS

_WRITER = COMPONENTS["postgres.writer"]
NAME = "test.postgres_writer"
DYING_COMPONENTS = {
    **COMPONENTS,
    NAME: replace(
        _WRITER,
        name=NAME,
        driver="tests.runtime.dying_writer:DyingWriter",
        keys=(*_WRITER.keys, ConfigKey("die", "text", "for tests", default="never")),
    ),
}


class DyingWriter:
    """Writes like ``postgres.writer``, and kills its process or the host before, during or after the transaction."""

    def run(self, *, step_id: str, config: Mapping[str, Any], inputs: Any, ctx: Any) -> Mapping[str, Any]:
        """Write the input, and die."""
        die = config.get("die", "never")
        own = {key: value for key, value in config.items() if key != "die"}
        if die == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if die == "during":  # a trigger of the table makes the transaction long
            threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGKILL)).start()
        result = PostgresWriter().run(step_id=step_id, config=own, inputs=inputs, ctx=ctx)
        if die == "after commit":
            os.kill(os.getpid(), signal.SIGKILL)
        if die == "host after commit":
            os.kill(os.getppid(), signal.SIGKILL)
        if die == "fail after commit":
            raise ConnectionError("the server closed the connection unexpectedly")
        return result
