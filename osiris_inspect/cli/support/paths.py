"""Paths and addresses on the command line, and the cache folder."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec

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
    import platformdirs

    return platformdirs.user_cache_path("osiris-inspect", appauthor=False)


def with_remote_options(command: CommandSpec) -> CommandSpec:
    """Return a command with the options for remote runs."""

    def run(values: Mapping[str, Any]) -> int:
        set_remote_limits(values[MAX_BYTES.key], values[ALLOW_REDIRECT.key])
        return command.run({option.key: values[option.key] for option in command.options})

    return replace(command, options=(*command.options, MAX_BYTES, ALLOW_REDIRECT), run=run)


def set_remote_limits(max_bytes: str | None, hosts: Sequence[str] | None) -> None:
    """Set the limits of remote runs for this process.

    Raises:
        SettingsError: ``max_bytes`` is not a size.
    """
    if max_bytes is None and not hosts:
        return
    from osiris_inspect.inspector.remote.remote import RemoteLimits
    from osiris_inspect.runtime.sandbox.byte_size import parse_bytes

    limits = RemoteLimits(redirect_hosts=frozenset(map(str.lower, hosts or ())))
    if max_bytes is not None:
        limits = replace(limits, max_bytes=parse_bytes(max_bytes, "--max-bytes"))
    _limits[:] = [limits]


def remote_arguments() -> list[str]:
    """Return the limits as arguments of ``set_remote_limits``, for another process."""
    return [str(_limits[0].max_bytes), *_limits[0].redirect_hosts] if _limits else []


def resolve_path(path: Path) -> Path:
    """Return the local path of a run or a folder of runs.

    For an address (``s3://bucket/logs``) it is the folder that mirrors it, for a file of a run the run, and for a name
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
    if os.path.isfile(path):  # noqa: PTH113  as above
        return run_names.run_of_file(path) or path
    return path if os.path.lexists(path) else run_names.run_with_prefix(path) or path


def remote_address(path: Path) -> str | None:
    """Return the address in a path; None for a local path."""
    if ":/" not in str(path):  # avoids the import for local paths
        return None
    from osiris_inspect.inspector.remote.url import parse_url

    return parse_url(path)


def report_link_outside(link: Path) -> None:
    """Print that a symbolic link was not followed when runs were searched."""
    from osiris_inspect.cli.support import streams
    from osiris_inspect.inspector.files.find_runs import link_outside_hint
    from osiris_inspect.inspector.text.sanitize import one_line

    streams.write_message(one_line(link_outside_hint(link)))


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
    from osiris_inspect.model.errors import RunNotReadable

    keep_joined_logs()
    if path.is_file() and not _is_other_file(path):
        return path
    path = resolve_path(path)
    if path.is_file():
        return path
    run = (
        path if (path / layout.EVENTS).is_file() else find_runs(path, on_link_outside=report_link_outside)[0]
    )
    if not RunFiles(run).exists(layout.EVENTS):
        raise RunNotReadable(f"{str(run)!r} has no {layout.EVENTS}")
    return run / layout.EVENTS


def _is_other_file(path: Path) -> bool:
    """Return True if a file can be only another file of a run, such as its status, and not a log of events."""
    return path.suffix in (".json", ".yaml", ".parquet")
