"""Files that drivers read and write: those of a step's ``path``, and writing them whole or not at all."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import DriverContext
from osiris_inspect.runtime.files.atomic_replace import replace_file
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline import pipeline_files as named_files


def base_dir(config: Mapping[str, Any], ctx: DriverContext) -> Path:
    """The folder that paths start from: the connection's ``base_dir``, else the run's."""
    return named_files.folder(ctx.base, config.get("resolved_connection"))


def input_paths(step_id: str, config: Mapping[str, Any], ctx: DriverContext, kind: str) -> list[Path]:
    """The files that ``path`` names, a pattern's in the order of their names.

    Raises:
        DriverError: one is missing or a folder, or a pattern matches none; names the path in full.
    """
    named = config["path"] if isinstance(config["path"], list) else [config["path"]]
    base = base_dir(config, ctx)
    found: list[Path] = []
    for name in named:
        if named_files.is_pattern(base, name):
            matches = named_files.matching_files(base, name)
            if not matches:
                raise DriverError(f"step {step_id!r}: no file matches {base / name}")
            found += matches
        else:
            found.append(_readable(step_id, base / name, kind))
    return list(dict.fromkeys(found))


def _readable(step_id: str, path: Path, kind: str) -> Path:
    try:
        if path.is_dir():
            raise DriverError(f"step {step_id!r}: {path} is a folder, not a {kind} file")
        if not path.exists():
            raise DriverError(f"step {step_id!r}: {kind} file not found: {path}")
    except PermissionError as error:
        raise DriverError(f"step {step_id!r}: {path} lies in a folder that is closed to this user") from error
    if not os.access(path, os.R_OK):
        raise DriverError(f"step {step_id!r}: {path} may not be read by this user")
    return path


@contextmanager
def output_file(step_id: str, config: Mapping[str, Any], ctx: DriverContext) -> Iterator[Path]:
    """A temporary path; what is written there becomes the file of ``path`` when the block ends well, synced.

    The old file stands until then, and after a failure. What is no regular file (a pipe, ``/dev/stdout``) is written as
    it is.

    Raises:
        DriverError: the disk refuses; names the file and the reason.
    """
    path = base_dir(config, ctx) / config["path"]
    try:
        if path.is_dir():
            raise DriverError(f"step {step_id!r} cannot write {path}: it is a folder")
        if config.get("create_dirs"):
            resolved(path).parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as temporary:
            yield temporary
    except OSError as error:
        raise DriverError(f"step {step_id!r} cannot write {path}: {_why(error, path)}") from error


def _why(error: OSError, path: Path) -> str:
    folder = resolved(path).parent
    if error.errno == errno.ENOENT and not os.path.exists(folder):  # noqa: PTH110  no second error
        return f"folder {folder} is not there; set create_dirs: true"
    return error.strerror or str(error)
