"""A file that a step reads does not exist where the step ran.

What it finds:
    An error that reports a missing file. In a sandbox, a file of the host is missing unless it was granted or uploaded.

Why it matters:
    The step has no input. A pipeline that works locally fails in a sandbox for this reason.

How to fix:
    Correct the path, or pass the data into the sandbox instead of the path.

Example:
    `CSV file not found: /srv/data/orders.csv`
"""

import re
from dataclasses import replace
from pathlib import PurePosixPath

from osiris_inspect.base.near_names import near_names
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

_SANDBOX_PATHS = ("/home/user", "/tmp", "/usr", "/opt", "/etc", "/var", "/proc", "/code")  # noqa: S108  names, not used as files
"""Folders that exist in a sandbox itself."""
_PACKAGE = LazyRegex(r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib(?:64)?[/\\]python3(?:\.\d{1,2})?[/\\]")
_FILE_KEYS = ("path", "file", "file_path", "filename")


def _path(match: re.Match[str]) -> str:
    return next((value for value in match.groupdict().values() if value), "").strip("[]'\" ")


def _sandbox(run: Run) -> str | None:
    """Return the isolation that hides files of the host, or None if the step sees them."""
    if run.isolation in ("bwrap", "landlock", "e2b"):
        return run.isolation
    return "e2b" if run.mode == "e2b" else None


def _is_granted(run: Run, path: str) -> bool:
    """Return True if the sandbox was allowed to read a path."""
    for event in run.events_named("worker_started"):
        grants = event.fields.get("grants")
        readable = grants.get("read") if isinstance(grants, dict) else None
        for folder in readable if isinstance(readable, list) else ():
            if isinstance(folder, str) and PurePosixPath(path).is_relative_to(folder):
                return True
    return False


def _is_in_package(_run: Run, _text: ErrorText, match: re.Match[str]) -> bool:
    """Return True if the path belongs to an installed package, so that no user wrote it."""
    return _PACKAGE.search(_path(match)) is not None


def _is_of_user(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    return not _is_in_package(run, text, match)


def _is_unseen(run: Run, match: re.Match[str]) -> bool:
    """Return True if a sandbox does not see the path because it is a path of the host."""
    path, sandbox = _path(match), _sandbox(run)
    if sandbox is None or not path or path.startswith(_SANDBOX_PATHS):
        return False
    is_absolute = path.startswith("/")
    return (is_absolute or sandbox == "e2b") and not _is_granted(run, path)


def _is_hidden(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    return _is_unseen(run, match) or _is_in_package(run, text, match)


def _is_visible(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    return not _is_unseen(run, match) or _is_in_package(run, text, match)


def _fix(run: Run, text: ErrorText, match: re.Match[str]) -> str:
    """Return how to correct a path, with the folder it was resolved in and similar paths of the run."""
    path = _path(match)
    similar = near_names(path, [other for other in _other_paths(run) if other != path], similarity=0.85)
    if similar:
        return f"correct the path; the pipeline also has {similar[0]!r}"
    if not re.search(r"[./\\]", path):
        return f"install the program {path!r} where the step runs, or correct the path of the file"
    base = _base_folder(run, text, path)
    step = run.step(text.step or "")
    if base is not None and step is not None and run.dialect != "native" and step.config.get("connection"):
        return (
            f"write the folder into the path: this driver resolved it in {base} and ignores the base_dir of "
            f"{step.config['connection']}"
        )
    if base is not None:
        return f"correct the path, which was resolved in {base}, or create the file"
    if path.startswith("/"):
        return f"correct the path, or create the file in {PurePosixPath(path).parent}"
    return "correct the path; a relative path is resolved in the working directory of the step"


def _base_folder(run: Run, text: ErrorText, path: str) -> str | None:
    """Return the folder in which a relative path of the configuration became the path of the error."""
    step = run.step(text.step or "")
    for key in _FILE_KEYS if step is not None else ():
        configured = step.config.get(key) if step is not None else None
        if isinstance(configured, str) and configured and not configured.startswith("/"):
            relative = configured.removeprefix("./")
            if path.startswith("/") and path.endswith(f"/{relative}"):
                return path.removesuffix(f"/{relative}") or "/"
    return None


def _other_paths(run: Run) -> list[str]:
    paths = [step.config.get(key) for step in run.steps for key in _FILE_KEYS]
    return list(dict.fromkeys(path for path in paths if isinstance(path, str) and path))


def _pass_the_data(run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return how to bring the data of a host file into a sandbox."""
    step = run.step(text.step or "")
    if run.dialect == "native" and step is not None and "query" in step.config:
        return "read the file with a filesystem.csv_extractor step and use its DataFrame in the query"
    if run.dialect == "native":
        return (
            "read the file with a filesystem.csv_extractor step, whose DataFrame is passed into the sandbox"
        )
    return "read the data from a source that the sandbox reaches, such as a database, or run the pipeline locally"


_NAMED = ErrorPattern(
    pattern=(
        r"CSV file not found: (?P<f1>[^\n]{1,200})"
        r"|No files found that match the pattern \\?\"(?P<f2>[^\"\n\\]{1,200})"
        r"|\[(?:Errno 2|WinError [23])\] [^\n:]{1,80}: '(?P<f3>[^'\n]{1,200})'"
        r"|Config file not found: (?P<f4>[^\n]{1,200})"
        r"|\b[Ff]ile '?(?P<f9>[~./][^'\n]{1,200}?)'? was not found\b"
        r"|(?:CSV|Input|Source) file (?:does not exist|is missing):? (?P<f5>[^\n]{1,200})"
        r"|cannot (?:read|open) '?(?P<f6>[^'\n]{1,200}?)'?: no such file"
        r"|(?<!on socket )['\"](?P<f7>[^'\"\n]{1,200})['\"]: (?i:no such file or directory)"
        r"|(?<!\b550 )(?i:no such file or directory)(?: \(os error 2\))?: ?'?(?P<f8>[^'\n]{1,200})"
    ),
    message="file {name} was not found",
    fix=_fix,
    domain="config",
    unless=_is_hidden,
)
PATTERNS = (
    ErrorPattern(
        pattern=r"\b(?:NoSuchKey|NoSuchBucket|NoSuchUpload|BlobNotFound|ContainerNotFound)\b[^\n]{0,160}"
        r"|An error occurred \(404\) when calling the (?:Head|Get)(?:Object|Bucket) operation|No such object: [^\n]{1,160}"
        r"|['\"](?:error|message)['\"]: ?['\"]?(?:Bucket|Object) not found\b",
        message="the object or its bucket was not found in the store",
        fix="correct the bucket and the key; check that the object was written before this step",
        domain="config",
    ),
    replace(
        _NAMED,
        message="file {name} was not found in the sandbox, which does not see the files of the host",
        fix=_pass_the_data,
        unless=_is_visible,
    ),
    _NAMED,
    replace(
        _NAMED,
        message="a file of an installed package was missing where the step ran",
        fix="check what the step asked the package for; if that is right, install the package again",
        confidence=Confidence.MEDIUM,
        unless=_is_of_user,
    ),
    ErrorPattern(
        pattern=(
            r"^FileNotFoundError\b[^\n'\"]{0,200}$"
            r"|^(?![^\n]{0,4000}(?:socket|Can't connect|shared object))[^\n]{0,200}(?i:no such file or directory)(?: \(os error 2\))?\.?$"
        ),
        message="a file was not found",
        fix="find out which file the step reads; a relative path is resolved in the working directory of the step",
        domain="config",
    ),
)
