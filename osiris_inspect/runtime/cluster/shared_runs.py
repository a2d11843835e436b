"""Files of earlier runs on a shared store: those of failed runs and of killed hosts stay until they are removed."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import OsirisError
from osiris_inspect.runtime.cluster.shared_store import SharedStore, StoredObject
from osiris_inspect.runtime.files.beneath import opened_folder, replace_beneath

OWNER = "owner"
"""Name of the object of each run that its host creates first."""
_MAX_SCHEMA_BYTES: Final = 16 << 20


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
        if OWNER in of_run and layout.parse_start_ms(name) is not None
    ]
    return sorted(runs, key=lambda run: (run.written, run.name))


class SharedFrames:
    """Frames of an earlier run on its shared store, which are downloaded when they are used.

    Attributes:
        folder: an empty folder, which becomes a run directory with the downloaded frames.
        error: why the store could not be read; empty as long as it could.
    """

    def __init__(self, url: str, run: str, folder: Path) -> None:
        self.folder, self.error = folder, ""
        self._run, self._keys = run, dict[str, list[str]]()
        self._store: SharedStore | None = None
        try:
            if "://" not in url and not Path(url).is_dir():
                self.error = f"there is no folder {url!r}"
            else:
                self._store = SharedStore(url)
        except OsirisError as error:
            self.error = str(error)

    def find(self, step: str, fingerprint: str) -> Path | None:
        """Return the folder if the store has the frame of a step; only its description is downloaded."""
        if self._store is None or self.error:
            return None
        try:
            objects = self._store.objects(f"{self._run}/frames/{step}")
            for item in objects:
                if item.key.endswith("/schema.json") and item.bytes <= _MAX_SCHEMA_BYTES:
                    document = orjson.loads(self._store.read(item.key) or b"{}")
                    if isinstance(document, dict) and document.get("fingerprint") == fingerprint:
                        attempt = item.key.removesuffix("schema.json")
                        self._keys[step] = [each.key for each in objects if each.key.startswith(attempt)]
                        return self.folder
        except (OsirisError, ValueError) as error:
            self.error = str(error)
        return None

    def fetch(self, step: str) -> None:
        """Download the files of a frame that was found; the copy of them checks hashes and fingerprint.

        Raises:
            ProtocolError: the store cannot be reached, or a file is gone.
            OSError: a file cannot be written.
        """
        assert self._store is not None  # noqa: S101  the frame was found
        by_name = {key.rpartition("/")[2]: key for key in self._keys[step]}
        for path in layout.spill_files(step):
            key = by_name.get(path.rpartition("/")[2])
            if key is not None:
                (self.folder / path).parent.mkdir(0o700, parents=True, exist_ok=True)
                with opened_folder(self.folder) as folder, replace_beneath(folder, path) as descriptor:
                    self._store.download(key, descriptor)
