"""Paths and addresses on the command line, and the cache folder."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.base.user_folders import user_folder
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.model.errors import RunNotReadable

if TYPE_CHECKING:
    from osiris_inspect.inspector.remote.remote import RemoteLimits

MAX_BYTES: Final = OptionSpec(
    "max_bytes",
    "Limit what is downloaded of a remote run at once; default: 4GiB.",
    ("--max-bytes",),
    metavar="SIZE",
    panel="Remote runs",
)
ALLOW_REDIRECT: Final = OptionSpec(
    "allow_redirect",
    "Let a web server redirect to this host.",
    ("--allow-redirect",),
    metavar="HOST",
    multiple=True,
    default=[],
    panel="Remote runs",
)
_limits: "list[RemoteLimits]" = []
"""The limits of this command line, if an option changes them."""
_REMOTE_INTERVAL_S: Final = 2.0
"""Seconds between two requests for a remote log."""


def cache_dir() -> Path:
    """Return the user's cache folder for indexes and lists of runs; it may not exist yet."""
    return user_folder("cache")


def with_remote_options(command: CommandSpec) -> CommandSpec:
    """Return a command with the options for remote runs."""

    def run(values: Mapping[str, Any]) -> int:
        set_remote_limits(values[MAX_BYTES.key], values[ALLOW_REDIRECT.key])
        return command.run({option.key: values[option.key] for option in command.options})

    return command._replace(options=(*command.options, MAX_BYTES, ALLOW_REDIRECT), run=run)


def set_remote_limits(max_bytes: str | None, hosts: Sequence[str] | None) -> None:
    """Set the limits of remote runs for this process.

    Raises:
        SettingsError: ``max_bytes`` is not a size.
    """
    if max_bytes is None and not hosts:
        return
    from osiris_inspect.inspector.remote.remote import RemoteLimits
    from osiris_inspect.runtime.files.memory_limit import parse_bytes

    limits = RemoteLimits(redirect_hosts=frozenset(map(str.lower, hosts or ())))
    if max_bytes is not None:
        limits = replace(limits, max_bytes=parse_bytes(max_bytes, "--max-bytes"))
    _limits[:] = [limits]


def remote_arguments() -> list[str]:
    """Return the limits as arguments of ``set_remote_limits``, for another process."""
    return [str(_limits[0].max_bytes), *_limits[0].redirect_hosts] if _limits else []


def resolve_path(path: Path) -> Path:
    """Return the local path of a run or a folder of runs.

    For an archive it is its content, for an address (``s3://bucket/logs``) it is the folder that mirrors it, for a file of a run the run, and for a name
    (``@latest``, ``logs/@failed``, the beginning of a run id) the run that it means.

    Raises:
        WrongUse: the name is unknown or not unique.
        RunNotReadable: the address cannot be reached or has no run, or no run has that name.
    """
    from osiris_inspect.cli.support import run_names

    run_names.keep_joined_logs()
    if run_names.has_name(path):
        folders = run_names.default_folders() if path.name == str(path) else [resolve_path(path.parent)]
        return run_names.named_run(path.name, folders)
    address = remote_address(path)
    if address is None:
        return _resolve_local(path)
    from osiris_inspect.inspector.remote.open_remote import open_remote

    return open_remote(address, cache_dir(), *_limits)


def _resolve_local(path: Path) -> Path:
    from osiris_inspect.cli.support import run_names

    if os.path.isdir(path):  # noqa: PTH112  Path.is_dir raises PermissionError, which the search reports
        return path
    if _is_archive_file(path):
        return run_names.run_of_file(path) or _in_archive(path)
    if os.path.isfile(path):  # noqa: PTH113  as above
        return run_names.run_of_file(path) or path
    if os.path.lexists(path):
        return path
    archive = next(filter(_is_archive_file, path.parents), None)
    if archive is not None and ".." not in path.relative_to(archive).parts:
        from osiris_inspect.inspector.archives.open_archives import open_archive

        _exit_on_signals()
        inside = _resolve_local(open_archive(archive) / path.relative_to(archive))
        return inside if os.path.lexists(inside) else path
    return run_names.run_with_prefix(path) or path


def _is_archive(path: Path) -> bool:
    from osiris_inspect.inspector.archives.open_archives import archive_stem

    return archive_stem(path.name) is not None


def _is_archive_file(path: Path) -> bool:
    return _is_archive(path) and os.path.isfile(path)  # noqa: PTH113  Path.is_file raises PermissionError


def _in_archive(path: Path) -> Path:
    """Return the run in an archive, or the folder with its content if it has several.

    Raises:
        RunNotReadable: it cannot be unpacked, or contains no run.
    """
    from osiris_inspect.inspector.archives.open_archives import open_archive
    from osiris_inspect.inspector.files.find_runs import NoRunFound, find_runs

    _exit_on_signals()  # the default action would leave the unpacked files behind
    folder = open_archive(path)
    try:
        runs = find_runs(folder)
    except NoRunFound:
        raise RunNotReadable(
            f"{str(path)!r} contains no run; pack a run directory, or a folder of runs"
        ) from None
    return runs[0] if len(runs) == 1 else folder


def _exit_on_signals() -> None:
    """Let signals that end the process end it as ``sys.exit`` does, if they have their default action."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, lambda received, _frame: sys.exit(128 + received))


def remote_address(path: Path) -> str | None:
    """Return the address in a path; None for a local path."""
    if ":/" not in str(path):  # avoids the import for local paths
        return None
    from osiris_inspect.inspector.remote.url import parse_url

    return parse_url(path)


def report_left_out(hint: str) -> None:
    """Print what was left out when runs were searched: a symbolic link, or an archive."""
    from osiris_inspect.cli.support import streams
    from osiris_inspect.inspector.text.sanitize import one_line

    streams.write_message(one_line(hint))


def refreshing_sleep(log: Path, wait: Callable[[float], object]) -> Callable[[float], object]:
    """Return ``wait``; for a remote log a function that waits and downloads the new lines."""
    from osiris_inspect.inspector.files import remote_registry

    remote = remote_registry.for_file(log)
    if remote is None:
        return wait

    def wait_and_fetch(_seconds: float) -> None:
        wait(_REMOTE_INTERVAL_S)
        remote[0].fetch(refresh=True)

    return wait_and_fetch


def events_file(path: Path) -> Path:
    """Return the log of a path: the file itself, or that of the run, or of the newest run of a folder.

    Raises:
        RunNotReadable: there is no log.
    """
    from osiris_inspect.cli.support.run_names import keep_joined_logs
    from osiris_inspect.inspector.files.find_runs import find_runs
    from osiris_inspect.inspector.files.run_files import RunFiles
    from osiris_inspect.model import run_layout as layout

    keep_joined_logs()
    if path.is_file() and not _is_other_file(path):
        return path
    path = resolve_path(path)
    if path.is_file():
        return path
    run = path if (path / layout.EVENTS).is_file() else find_runs(path, on_left_out=report_left_out)[0]
    if not RunFiles(run).exists(layout.EVENTS):
        raise RunNotReadable(f"{str(run)!r} has no {layout.EVENTS}")
    return run / layout.EVENTS


def _is_other_file(path: Path) -> bool:
    """Return True if a file cannot be a log of events, such as the status of a run or an archive."""
    return path.suffix in (".json", ".yaml", ".parquet") or _is_archive(path)
