"""Files of earlier runs on a shared store: those of failed runs and of killed hosts stay until they are removed."""

from collections import defaultdict
from dataclasses import dataclass

from osiris_inspect.model.run_layout import parse_start_ms
from osiris_inspect.runtime.cluster.shared_store import SharedStore, StoredObject

OWNER = "owner"
"""Name of the object of each run that its host creates first."""


@dataclass(frozen=True, slots=True)
class SharedRun:
    """Files of a run on a shared store.

    Attributes:
        name: name of the run directory.
        files: number of objects.
        bytes: their total size.
        written: time of the last write, in seconds since the epoch, by the clock of the store.
    """

    name: str
    files: int
    bytes: int
    written: float


def shared_runs(store: SharedStore) -> list[SharedRun]:
    """Return the runs on a store, oldest first; what no host of a run has created is left out.

    Raises:
        ProtocolError: the store cannot be reached, or it refused.
    """
    objects = defaultdict[str, dict[str, StoredObject]](dict)
    for item in store.objects(""):
        run, _, key = item.key.partition("/")
        objects[run][key] = item
    runs = [
        SharedRun(
            name,
            len(of_run),
            sum(item.bytes for item in of_run.values()),
            max(item.written for item in of_run.values()),
        )
        for name, of_run in objects.items()
        if OWNER in of_run and parse_start_ms(name) is not None
    ]
    return sorted(runs, key=lambda run: (run.written, run.name))
