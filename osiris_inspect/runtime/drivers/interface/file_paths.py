"""Input and output files of drivers, named by the ``path`` of a step."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext
from osiris_inspect.runtime.files.atomic_replace import replace_file
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.pipeline import pipeline_files


def base_dir(config: Config, ctx: DriverContext) -> Path:
    """Return the directory that paths start from: the connection's ``base_dir``, else the run's."""
    return pipeline_files.folder(ctx.base, config.get("resolved_connection"))


def input_paths(config: Config, ctx: DriverContext, kind: str) -> list[Path]:
    """Return the files that ``path`` names, without duplicates; those of a pattern are sorted by name.

    Raises:
        DriverError: a file is missing, unreadable or a directory, or a pattern matches no file.
    """
    names = config["path"] if isinstance(config["path"], list) else [config["path"]]
    base = base_dir(config, ctx)
    paths: list[Path] = []
    for name in names:
        if pipeline_files.is_pattern(base, name):
            matches = pipeline_files.matching_files(base, name)
            if not matches:
                raise DriverError(f"no file matches {base / name}")
            paths += matches
        else:
            paths.append(_readable(base / name, kind))
    return list(dict.fromkeys(paths))


def _readable(path: Path, kind: str) -> Path:
    try:
        if path.is_dir():
            raise DriverError(f"{path} is a folder, not a {kind} file")
        if not path.exists():
            raise DriverError(f"{kind} file not found: {path}")
    except PermissionError as error:
        raise DriverError(f"cannot read {path}: permission to its folder denied") from error
    if not os.access(path, os.R_OK):
        raise DriverError(f"cannot read {path}: permission denied")
    return path


@contextmanager
def output_file(config: Config, ctx: DriverContext) -> Iterator[Path]:
    """Yield a temporary path; when the block succeeds, its file is synced and replaces the file of ``path``.

    The old file stays until then, and after an error. A ``path`` that is not a regular file (a pipe, ``/dev/stdout``)
    is written directly.

    Raises:
        DriverError: the file cannot be written; names it and the reason.
    """
    path = base_dir(config, ctx) / config["path"]
    try:
        if path.is_dir():
            raise DriverError(f"cannot write {path}: it is a folder")
        if config.get("create_dirs"):
            resolved(path).parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as temporary:
            yield temporary
    except OSError as error:
        raise DriverError(f"cannot write {path}: {_reason(error, path)}") from error


def _reason(error: OSError, path: Path) -> str:
    folder = resolved(path).parent
    if error.errno == errno.ENOENT and not os.path.exists(folder):  # noqa: PTH110  no second error
        return f"folder {folder} does not exist; set create_dirs: true"
    return error.strerror or str(error)
