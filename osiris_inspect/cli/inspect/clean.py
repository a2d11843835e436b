"""``osiris-inspect clean``: removes the cache and old runs, after showing them."""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osiris_inspect.cli.support import paths as places
from osiris_inspect.cli.support import streams
from osiris_inspect.cli.support.exit_codes import FOUND, USAGE, WrongUse
from osiris_inspect.cli.support.option_table import CommandSpec, OptionSpec
from osiris_inspect.cli.support.run_names import DEFAULT_DIRS
from osiris_inspect.cli.support.user_config import parse_age

if TYPE_CHECKING:
    from osiris_inspect.inspector.files.old_runs import CachedFile, StoredRun
    from osiris_inspect.runtime.cluster.shared_runs import SharedRun

_HELP: Final = """Remove the cache, and old runs by age or size, after showing them.

Without --older-than and --keep no run is removed. A running run is never removed, and nothing outside of the folder of
runs and of the cache. With --shared only the files that runs on a cluster left on their shared store are removed.
"""
_MIN_SHARED_AGE: Final = 86_400
"""A run writes to its shared store only when a step starts or ends; seconds within which it may still run."""
_OPTIONS: Final = (
    OptionSpec("folder", "A folder of runs; default: logs and run_logs.", kind="path", metavar="FOLDER"),
    OptionSpec(
        "older_than",
        "Remove runs last written, and cache unused, for this long: 12h, 30d, 8w.",
        ("--older-than",),
        metavar="AGE",
    ),
    OptionSpec("keep", "Keep the newest runs up to this size: 500MB, 5GB.", ("--keep",), metavar="SIZE"),
    OptionSpec(
        "shared",
        "Remove old runs from the shared store of a cluster instead.",
        ("--shared",),
        metavar="DIR|URL",
    ),
    OptionSpec("yes", "Remove without asking.", ("--yes", "-y"), "flag", default=False),
)


def command() -> CommandSpec:
    """Return the command."""
    return CommandSpec("clean", _HELP, _OPTIONS, clean)


def clean(options: Mapping[str, Any]) -> int:
    """Show what would be removed, ask, remove it, and return the exit code.

    Raises:
        WrongUse: an age is invalid, or --shared is used with what it excludes.
        SettingsError: a size is invalid, or the shared store cannot be used.
        ProtocolError: the shared store cannot be reached.
        RunNotReadable: the folder does not exist, or is a run.
    """
    from osiris_inspect.inspector.files import old_runs
    from osiris_inspect.runtime.files.memory_limit import parse_bytes
    from osiris_inspect.runtime.files.remove_tree import remove_tree

    if options["shared"] is not None:
        return _clean_shared(options)
    now, cache = time.time(), places.cache_dir()
    before = now - _parse_age(options["older_than"]) if options["older_than"] is not None else None
    keep = parse_bytes(options["keep"], "--keep") if options["keep"] is not None else None
    stored = [run for folder in _folders(options["folder"]) for run in old_runs.stored_runs(folder, now)]
    stored.sort(key=lambda run: -run.written)
    runs = old_runs.removable_runs(stored, before=before, max_bytes=keep)
    files = [file for file in old_runs.cached_files(cache) if before is None or file.used < before]
    litter = old_runs.litter(stored)
    _show(stored, runs, files, litter, cache)
    if not (runs or files or litter):
        streams.write_stdout("nothing to remove\n")
        return 0
    if not options["yes"] and not _is_confirmed():
        return USAGE
    try:
        for run in runs:
            if not old_runs.remove_run(run, now, remove_tree):
                streams.write_message(f"not removed, because it is running: {run.path}")
        old_runs.remove_litter(litter, remove_tree)
        old_runs.remove_cached_files(cache, files)
    except OSError as error:
        streams.write_message(f"cannot remove {error.filename!r}: {error.strerror}; the rest was not removed")
        return FOUND
    streams.write_stdout("removed\n")
    return 0


def _clean_shared(options: Mapping[str, Any]) -> int:
    from osiris_inspect.runtime.cluster.shared_runs import shared_runs
    from osiris_inspect.runtime.cluster.shared_store import SharedStore

    if options["folder"] is not None or options["keep"] is not None:
        raise WrongUse("--shared takes neither a folder nor --keep; run clean twice")
    age = _parse_age(options["older_than"]) if options["older_than"] is not None else 0
    if age < _MIN_SHARED_AGE:
        raise WrongUse(
            "--shared needs --older-than with an age of 1d or more, longer than any step of a running run"
        )
    url = options["shared"]
    if "://" not in url and not Path(url).expanduser().is_dir():
        raise WrongUse(f"--shared: there is no folder {url!r}")
    store = SharedStore(url)
    stored = shared_runs(store)
    before = time.time() - age
    old = [run for run in stored if run.written < before]
    _show_shared(old, stored, store.url)
    if not old:
        streams.write_stdout("nothing to remove\n")
        return 0
    if not options["yes"] and not _is_confirmed():
        return USAGE
    for run in old:
        store.delete(run.name)
    streams.write_stdout("removed\n")
    return 0


def _show_shared(old: "Sequence[SharedRun]", stored: "Sequence[SharedRun]", url: str) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.inspector.text.units import format_bytes

    lines = [_line(run.written, run.bytes, run.name) for run in old]
    size = format_bytes(sum(run.bytes for run in old))
    lines.append(f"runs to remove from {one_line(url)}: {len(old):,} of {len(stored):,}, {size}")
    streams.write_stdout("".join(f"{line}\n" for line in lines))


def _folders(folder: Path | None) -> list[Path]:
    return [folder] if folder is not None else [Path(name) for name in DEFAULT_DIRS if Path(name).is_dir()]


def _parse_age(text: str) -> int:
    age = parse_age(text)
    if age is None:
        raise WrongUse(f"--older-than: {text!r} is not an age; write hours, days or weeks: 12h, 30d, 8w")
    return age


def _show(
    stored: "Sequence[StoredRun]",
    runs: "Sequence[StoredRun]",
    files: "Sequence[CachedFile]",
    litter: Sequence[Path],
    cache: Path,
) -> None:
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.inspector.text.units import format_bytes

    lines = [_line(run.written, run.size, str(run.path)) for run in runs]
    size = format_bytes(sum(run.size for run in runs))
    lines.append(f"runs to remove: {len(runs):,} of {len(stored):,}, {size}")
    running = [run for run in stored if run.is_running]
    if running:
        lines.append(f"kept because they are running or were written a short time ago: {len(running):,}")
    lines += [f"  {one_line(str(path))}" for path in litter]
    lines.append(f"files left by killed processes: {len(litter):,}")
    size = format_bytes(sum(file.size for file in files))
    lines.append(f"files of the cache {one_line(str(cache))}: {len(files):,}, {size}")
    streams.write_stdout("".join(f"{line}\n" for line in lines))


def _line(written: float, size: int, name: str) -> str:
    """Return the line of a run: its last write in UTC, its size and its name."""
    from osiris_inspect.inspector.text.sanitize import one_line
    from osiris_inspect.inspector.text.units import format_bytes

    return (
        f"  {datetime.fromtimestamp(written, UTC):%Y-%m-%d %H:%M}  {format_bytes(size):>9}  {one_line(name)}"
    )


def _is_confirmed() -> bool:
    if not sys.stdin.isatty():
        streams.write_message("nothing was removed; use --yes to remove it without a question")
        return False
    streams.write_stdout("remove all of this? [y/N] ")
    streams.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    streams.write_message("nothing was removed")
    return False
