"""The original's worker as it serves: its own loop over stdin and stdout, with a driver that does nothing much.

Run by the interpreter that has osiris-pipeline. Its fixed folder /home/user is moved below the folder in the first
argument; nothing else of it is touched.
"""

import sys
from pathlib import PosixPath
from typing import Any

import pandas as pd
from osiris.remote import proxy_worker


class Moved(PosixPath):
    """A path, below another root where it is absolute and the sandbox's."""

    def __new__(cls, *parts: Any) -> Any:
        if parts and str(parts[0]).startswith("/home/user"):
            parts = (sys.argv[1] + str(parts[0]), *parts[1:])
        return PosixPath(*parts)


class Nothing:
    """The driver of the tests that does nothing."""

    def run(self, **_: Any) -> dict[str, Any]:
        return {"df": pd.DataFrame({"n": [1, 2, 3]})}


class Worker(proxy_worker.ProxyWorker):
    """Knows that driver too."""

    def handle_prepare(self, cmd: Any) -> Any:
        answer = super().handle_prepare(cmd)
        self.driver_registry.register("test.nothing", Nothing)
        return answer


if __name__ == "__main__":
    proxy_worker.Path = Moved
    Worker().run()
