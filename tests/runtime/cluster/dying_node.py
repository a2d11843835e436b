"""A node that kills itself: ``python -m tests.runtime.cluster.dying_node WHEN WHERE REQUEST``.

WHEN is ``before`` or ``after``, WHERE the driver (``commit``) or a folder of the run on the shared store.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from osiris_inspect.runtime.cluster import node, node_worker, shared_store


def _dying(method: Callable[..., Any], when: str, is_place: Callable[..., bool]) -> Callable[..., Any]:
    def call(self: Any, *args: Any) -> Any:
        is_here = is_place(*args)
        if is_here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(self, *args)
        if is_here:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def main() -> None:
    """Run a node that dies."""
    when, where = sys.argv[1:3]
    del sys.argv[1:3]
    if where == "commit":
        worker = node_worker.NodeWorker
        worker.run_step = _dying(worker.run_step, when, lambda *_: True)  # type: ignore[method-assign]
    else:
        for name in ("create", "write", "put_file"):
            method = getattr(shared_store.SharedStore, name)
            place = _dying(method, when, lambda key, *_: f"/{where}/" in key)
            setattr(shared_store.SharedStore, name, place)
    node.main()


if __name__ == "__main__":
    main()
