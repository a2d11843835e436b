"""Untrusted runs: those in archives and repro bundles. Nothing of them runs in this process."""

from pathlib import Path
from typing import TYPE_CHECKING

from osiris_inspect.cli.support import streams
from osiris_inspect.model.errors import SettingsError

if TYPE_CHECKING:
    from osiris_inspect.runtime.replay.replay import Replay, ReplayOptions


def is_foreign(path: Path) -> bool:
    """Return True if a run directory is from an archive or a repro bundle."""
    from osiris_inspect.inspector.archives.open_archives import name_in_archive
    from osiris_inspect.runtime.replay.repro.foreign_replay import is_bundle

    return name_in_archive(path) is not None or is_bundle(path)


def check_own(path: Path, command: str) -> None:
    """Check that a run may be used by a command that runs its steps without isolation.

    Raises:
        SettingsError: it is untrusted.
    """
    if is_foreign(path):
        raise SettingsError(
            f"{command} runs steps without isolation, and this run is untrusted",
            fix="use replay, which isolates it; sql and why show its frames and its failure",
        )


def open_replay(path: Path, step: str, options: "ReplayOptions") -> "Replay":
    """Return the replay of a step, isolated if the run is untrusted.

    Raises:
        OsirisError: see ``Replay`` and ``ForeignReplay``.
    """
    from osiris_inspect.cli.replay.replay import host_of_replay
    from osiris_inspect.runtime.replay.replay import Replay
    from osiris_inspect.runtime.replay.repro.foreign_replay import ForeignReplay

    kind = ForeignReplay if is_foreign(path) else Replay
    return kind(path, step, options, host_of_replay())


def code_folder(path: Path) -> Path:
    """Return a folder with code, or the code in an archive, whose hash is printed.

    Raises:
        SettingsError: it is neither, or the archive has no code.
        RunNotReadable: the archive is refused.
    """
    from osiris_inspect.cli.support.paths import resolve_path
    from osiris_inspect.runtime.protocol.code_identity import code_hash
    from osiris_inspect.runtime.replay.repro.foreign_replay import CODE

    if path.is_dir():
        return path
    folder = resolve_path(path) / CODE
    if not folder.is_dir():
        raise SettingsError(f"--with-code {path} is neither a folder nor a zip with code")
    streams.write_stderr(f"runs the code of {path}, {code_hash(folder)}\n")
    return folder
