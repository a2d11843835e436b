"""Input and output files of drivers, named by the ``path`` of a step."""

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from osiris_inspect.base.near_names import suggestion
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.driver import Config, DriverContext
from osiris_inspect.runtime.files.atomic_replace import replace_file
from osiris_inspect.runtime.files.symlinks import broken_link, resolved
from osiris_inspect.runtime.pipeline import pipeline_files
from osiris_inspect.runtime.protocol.error_report import kind_of, os_error_facts

_MAX_NAMES: Final = 10
"""Names of a folder that an error shows."""
_MAX_PARTS: Final = 8
"""Last parts of a missing path that are searched elsewhere."""
_WRITE_FIXES: Final[Mapping[str, str]] = {
    "disk-full": "free disk space, or write to another disk",
    "permission-denied": "give the user that runs the step the right to write there",
    "too-many-open-files": "raise the limit of open files (ulimit -n)",
}
"""Kind of a system error to what to do."""
_OTHER_FOLDER: Final = "use an existing directory that the step can write to"
_WRITE_FIXES_BY_ERRNO: Final[Mapping[int, str]] = {
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or write several smaller files",
    errno.EDQUOT: "free space in the quota of the user, or write to another disk",
    errno.ENAMETOOLONG: "shorten the file name",
    errno.ELOOP: "remove the symbolic link that refers to itself",
    errno.EROFS: "write to a disk that is mounted for writing; a sandbox shows only what the step's configuration names",
    errno.EIO: "check the disk",
    errno.ETXTBSY: "stop the program that runs from this file",
}
"""Number of a system error to what to do, where it is more than for its kind."""


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
                raise _no_match(base, name)
            paths += matches
        else:
            paths.append(_readable(base, name, kind))
    paths = list(dict.fromkeys(paths))
    for path in paths:
        ctx.describe_file("read", path, path)
    return paths


def input_file(config: Config, ctx: DriverContext, kind: str) -> Path:
    """Return the file that ``path`` names, which is not a pattern; raises as ``input_paths``."""
    path = _readable(base_dir(config, ctx), config["path"], kind, takes_pattern=False)
    ctx.describe_file("read", path, path)
    return path


def _readable(base: Path, name: str, kind: str, *, takes_pattern: bool = True) -> Path:
    path = base / name
    try:
        if path.is_dir():
            raise DriverError(
                f"{path} is a folder, not a {kind} file",
                kind="path-is-directory",
                fix=f"name a file, or a pattern such as {name.rstrip('/')}/*"
                if takes_pattern
                else "name a file in it",
                path=str(path),
            )
        if not path.exists():
            raise _missing(base, name, kind)
    except PermissionError as error:
        raise _unreadable(path, "permission to its folder denied") from error
    if not os.access(path, os.R_OK):
        raise _unreadable(path, "permission denied")
    return path


def _unreadable(path: Path, reason: str) -> DriverError:
    return DriverError(
        f"cannot read {path}: {reason}",
        kind="permission-denied",
        fix="give the user that runs the step the right to read it",
        path=str(path),
    )


def _missing(base: Path, name: str, kind: str) -> DriverError:
    """Return the error for a file that does not exist: where it was searched, and where one of its name is."""
    path = base / name
    start = "" if os.path.isabs(name) else f" (a relative path starts at {base})"  # noqa: PTH117  name is a text
    elsewhere = Path(name).absolute()
    file_facts = {"path": str(path), "folder": str(path.parent)}
    broken = broken_link(path)
    if broken is not None:
        link_facts = {"link": str(broken.link), "target": broken.target}
        message = f"{kind} file not found: {path}; {broken.reason}"
        return DriverError(message, kind="file-missing", fix=broken.fix, **file_facts, **link_facts)
    if not path.parent.is_dir():
        known, reason = _entries(path.parent.parent), f"folder {path.parent} does not exist{start}"
        fix = suggestion(path.parent.name, known, "correct the path")
    else:
        known, reason = _entries(path.parent), f"searched folder {path.parent}{start}"
        fix = suggestion(path.name, known, "correct the path")
    if elsewhere != path and elsewhere.exists():
        fix = f"name {elsewhere}, which exists, or start relative paths at {Path.cwd()} with --base"
        file_facts["exists_at"] = str(elsewhere)
    return DriverError(f"{kind} file not found: {path}; {reason}", kind="file-missing", fix=fix, **file_facts)


def with_search_of_file(info: Mapping[str, Any], base: Path) -> Mapping[str, Any]:
    """Return an ``error_info``; that of a file which third-party code did not find, with what to do.

    The fix and the facts state the folder that was searched and where a file of this name is below ``base``.
    """
    path = info["facts"].get("path")
    if info["kind"] != "file-missing" or info["fix"] is not None or not isinstance(path, str) or not path:
        return info
    searched = Path(path).absolute()
    file_facts = {**info["facts"], "folder": str(searched.parent)}
    elsewhere = next((each for each in _places_below(base, path) if each != searched and _exists(each)), None)
    broken = broken_link(searched)
    if broken is not None:
        file_facts |= {"link": str(broken.link), "target": broken.target}
        fix = f"{broken.fix}; {broken.reason}"
    elif elsewhere is not None:
        file_facts["exists_at"] = str(elsewhere)
        fix = f"name {elsewhere}, which exists, or start relative paths at ctx.base (searched in {searched.parent})"
    elif not _exists(searched.parent):
        known = _entries(searched.parent.parent)
        advice = suggestion(searched.parent.name, known, "correct the path, or create the folder first")
        fix = f"{advice} (folder {searched.parent} does not exist)"
    else:
        advice = suggestion(
            searched.name, _entries(searched.parent), "correct the path, or create the file first"
        )
        fix = f"{advice} (searched in {searched.parent})"
        if re.fullmatch(r"[\w\-]{1,60}", path):
            fix = f"install the program {path!r} where the step runs; if it is a file, {fix}"
    return {**info, "fix": fix, "facts": file_facts}


def _places_below(base: Path, path: str) -> Iterator[Path]:
    """Yield the places below a folder where the file may be: its whole path first, its name last."""
    parts = [part for part in Path(path).parts if part not in (os.sep, ".", "..")][-_MAX_PARTS:]
    yield from (base.joinpath(*parts[start:]) for start in range(len(parts)))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, or a folder without permission
        return False


def _no_match(base: Path, pattern: str) -> DriverError:
    folder = (base / pattern).parent
    names = _entries(folder)
    if names:
        reason = f"{folder} has {', '.join(names[:_MAX_NAMES])}{', …' * (len(names) > _MAX_NAMES)}"
    else:
        reason = f"{folder} is empty" if folder.is_dir() else f"folder {folder} does not exist"
    return DriverError(
        f"no file matches {base / pattern}; {reason}",
        kind="file-missing",
        fix="correct the pattern, or run the step that writes the files first",
        path=str(base / pattern),
        folder=str(folder),
    )


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:  # a folder that cannot be listed offers no names
        return []


@contextmanager
def output_file(config: Config, ctx: DriverContext, *, append: bool = False) -> Iterator[Path]:
    """Yield a temporary path; when the block succeeds, its file is synced and replaces the file of ``path``.

    The old file stays until then, and after an error. With ``append`` the temporary file begins as a copy of it. A
    ``path`` that is not a regular file (a pipe, ``/dev/stdout``) is written directly. In a sandbox, the host moves the
    file into place after the step.

    Raises:
        DriverError: the file cannot be written; names it and the reason.
    """
    path = base_dir(config, ctx) / config["path"]
    staged = ctx.outputs.get(str(path))
    if staged is not None and staged.refused is not None:
        raise staged.refused
    try:
        if staged is not None:
            temporary = staged.begin(append=append)
            yield temporary
            temporary.replace(staged.path)
            ctx.describe_file("written", path, staged.path)
            return
        check_target(path, config)
        with replace_file(path) as temporary:
            if append and temporary != path and path.exists():
                shutil.copyfile(path, temporary)
            yield temporary
        ctx.describe_file("written", path, path)
    except OSError as error:
        raise write_error(error, path) from error


def check_target(path: Path, config: Config) -> None:
    """Check that the file of a step can have this path; create its folder if the step says so.

    Raises:
        DriverError: the path is a folder.
        OSError: the folder cannot be created.
    """
    if path.is_dir():
        raise DriverError(
            f"cannot write {path}: it is a folder",
            kind="path-is-directory",
            fix=f"name a file in it, such as {Path(config['path']) / 'output'}",
            path=str(path),
        )
    if config.get("create_dirs"):
        resolved(path).parent.mkdir(parents=True, exist_ok=True)


def write_error(error: OSError, path: Path) -> DriverError:
    """Return the error of a step that cannot write a file."""
    folder = resolved(path).parent
    if error.errno == errno.ENOENT and not os.path.exists(folder):  # noqa: PTH110  no second error
        return DriverError(
            f"cannot write {path}: folder {folder} does not exist",
            kind="path-not-writable",
            fix="set create_dirs: true",
            path=str(path),
            folder=str(folder),
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        file = next((each for each in resolved(path).parents if each.is_file()), None)
        if file is not None:
            return DriverError(
                f"cannot write {path}: {file} is a file, not a folder",
                kind="path-not-writable",
                fix="correct the path",
                **{**os_error_facts(error), "path": str(path), "folder": str(file)},
            )
    kind = kind_of(error, "path-not-writable")
    return DriverError(
        f"cannot write {path}: {error.strerror or error}",
        kind=kind,
        fix=_WRITE_FIXES_BY_ERRNO.get(error.errno or 0) or _WRITE_FIXES.get(kind, _OTHER_FOLDER),
        **{**os_error_facts(error), "path": str(path)},
    )
