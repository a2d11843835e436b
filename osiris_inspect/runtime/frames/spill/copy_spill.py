"""Copies the spill of an earlier run into another run directory."""

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from osiris_inspect.base.safe_open import open_regular
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import SpillCorrupt
from osiris_inspect.runtime.frames.spill import spill_file as spill
from osiris_inspect.runtime.frames.spill.spill_file import SpillFile

CopiedHow = Literal["linked", "copied"]
"""``linked``: both runs share the blocks of the files until one of them is written."""

_FICLONE: Final = 0x40049409
"""Request of Linux that shares the blocks of a file; only some file systems know it."""


def find_reusable(root: Path, step: str, fingerprint: str, key: str = layout.FRAME_KEY) -> SpillFile:
    """Return the spill in a run directory of what a step returned under ``key``, if it has this fingerprint.

    Raises:
        SpillCorrupt: the run has no such spill, or a file of it is missing or was changed.
    """
    spilled = spill.find_spill(root, step, key)
    path = layout.schema_path(step, key)
    if spilled is None:
        raise SpillCorrupt(f"{root / path} does not exist", fix="run the step again", path=path)
    if spilled.document["fingerprint"] != fingerprint:
        raise SpillCorrupt(
            f"{root / path} is of another frame: its fingerprint is {spilled.document['fingerprint']}, "
            f"the log has {fingerprint}",
            fix="run the step again",
            path=path,
        )
    spill.verify(spilled)
    return spilled


def copy_spill(
    source: Path, target: Path, step: str, fingerprint: str, key: str = layout.FRAME_KEY
) -> tuple[SpillFile, CopiedHow]:
    """Copy the spill of what a step returned under ``key`` between run directories; return the copy.

    A file is never hard-linked: a worker that writes into its copy would change the earlier run.

    Raises:
        SpillCorrupt: the copy is not a spill with this fingerprint.
        OSError: a file cannot be read or written.
    """
    spilled = spill.find_spill(source, step, key)
    folder = target / layout.artifacts_dir(step)
    folder.mkdir(0o700, parents=True, exist_ok=True)
    files = [
        *(spilled.document["files"] if spilled else ()),
        layout.schema_path(step, key).rpartition("/")[2],
    ]
    shared = [_copy_file(source / layout.artifacts_dir(step) / name, folder / name) for name in files]
    return find_reusable(target, step, fingerprint, key), "linked" if all(shared) else "copied"


def _copy_file(source: Path, target: Path) -> bool:
    """Copy a regular file; return True if its blocks are shared."""
    try:
        descriptor = open_regular(source)
    except FileNotFoundError:
        raise SpillCorrupt(f"{source} does not exist", fix="run the step again", path=str(source)) from None
    with (
        os.fdopen(descriptor, "rb") as data,
        open(target, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as copy,
    ):
        with suppress(OSError):  # another file system, or one that shares no blocks
            fcntl.ioctl(copy.fileno(), _FICLONE, data.fileno())
            return True
        shutil.copyfileobj(data, copy, 1 << 20)
    return False
