"""Files that drivers read and write: where they lie, and writing them whole or not at all."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers import Context

_PATTERN = frozenset("*?[")


def base_of(config: Mapping[str, Any], ctx: Context) -> Path:
    """The folder that paths start from: the connection's ``base_dir``, else the run's."""
    connection = config.get("resolved_connection") or {}
    return ctx.base / str(connection.get("base_dir") or "")


def to_read(step_id: str, config: Mapping[str, Any], ctx: Context, kind: str) -> list[Path]:
    """The files that ``path`` names, a pattern's in the order of their names.

    Raises:
        DriverError: one is missing or a folder, or a pattern matches none; names the path in full.
    """
    named = config["path"] if isinstance(config["path"], list) else [config["path"]]
    base = base_of(config, ctx)
    found: list[Path] = []
    for name in named:
        if _PATTERN.intersection(name) and not (base / name).exists():
            matches = sorted(path for path in _glob(base, name) if path.is_file())
            if not matches:
                raise DriverError(f"step {step_id!r}: no file matches {base / name}")
            found += matches
        else:
            found.append(_readable(step_id, base / name, kind))
    return list(dict.fromkeys(found))


def _glob(base: Path, pattern: str) -> Iterator[Path]:
    path = Path(pattern)
    return (
        Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        if path.is_absolute()
        else base.glob(pattern)
    )


def _readable(step_id: str, path: Path, kind: str) -> Path:
    if path.is_dir():
        raise DriverError(f"step {step_id!r}: {path} is a folder, not a {kind} file")
    if not path.exists():
        raise DriverError(f"step {step_id!r}: {kind} file not found: {path}")
    if not os.access(path, os.R_OK):
        raise DriverError(f"step {step_id!r}: {path} may not be read by this user")
    return path


@contextmanager
def written_whole(step_id: str, config: Mapping[str, Any], ctx: Context) -> Iterator[Path]:
    """A temporary path; what is written there becomes the file of ``path`` when the block ends well, synced.

    The old file stands until then, and after a failure. What is no regular file (a pipe, ``/dev/stdout``) is written as
    it is.

    Raises:
        DriverError: the disk refuses; names the file and the reason.
    """
    path = base_of(config, ctx) / config["path"]
    if path.is_dir():
        raise DriverError(f"step {step_id!r} cannot write {path}: it is a folder")
    special = path.exists() and not path.is_file()
    temporary = path if special else path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if config.get("create_dirs"):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            if not special:
                _sync(temporary)
                temporary.replace(path)
                _sync(path.parent)
        finally:
            if not special:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise DriverError(f"step {step_id!r} cannot write {path}: {_why(error, path)}") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why(error: OSError, path: Path) -> str:
    if error.errno == errno.ENOENT and not path.parent.exists():
        return f"folder {path.parent} is not there; set create_dirs: true"
    return error.strerror or str(error)
