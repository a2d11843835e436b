"""What goes up into a sandbox of E2B, as one archive: the worker's code, the run's files, the pipeline's own input."""

import io
import tarfile
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import WorkerStartFailed
from osiris_inspect.runtime.files.symlinks import resolved
from osiris_inspect.runtime.protocol import bundle as parcel
from osiris_inspect.runtime.transport.transport import LaunchSpec

CODE: Final = "osiris"
RUN: Final = "run"
BASE: Final = "work"
ARCHIVE: Final = "osiris-parcel.tgz"


def build_archive(launch: LaunchSpec, to: Path) -> None:
    """Write the archive of a run to a file.

    Raises:
        WorkerStartFailed: the pipeline names a file outside its folder, which has no place in a sandbox.
        OSError: a file cannot be read, or the archive not be written.
    """
    root = Path(parcel.__file__).parents[2]
    with tarfile.open(to, "w:gz", compresslevel=3) as tar:
        for path in parcel.code_files():
            _add(tar, path, f"{CODE}/{root.name}/{path.relative_to(root).as_posix()}")
        for name in launch.bundle.files:
            _add(tar, launch.run_dir / name, f"{RUN}/{name}")
        _folder(tar, BASE)
        for path in launch.bundle.input_files.read:
            name = archive_name(path, launch.base, "reads")
            if path.is_file():
                _add(tar, path, f"{BASE}/{name}")
        for path in launch.bundle.input_files.written:
            name = archive_name(path, launch.base, "writes")
            if path.parent.is_dir():
                _folder(tar, str(Path(BASE, name).parent))


def archive_name(path: Path, base: Path, does: str) -> str:
    """``path`` as seen from ``base``, by the name it is opened with: a symbolic link is a file where it arrives.

    Raises:
        WorkerStartFailed: it lies elsewhere, or what it links to.
    """
    try:
        lies = resolved(path).relative_to(resolved(base))
        named = path.absolute()
        is_plain = ".." not in named.parts and named.is_relative_to(base.absolute())
        return (named.relative_to(base.absolute()) if is_plain else lies).as_posix()
    except ValueError:
        text = f"the pipeline {does} {path}, which lies outside its folder {base}; a sandbox has only what lies in it"
        raise WorkerStartFailed(text) from None


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = path.stat().st_size, 0o644
    with path.open("rb") as file:
        tar.addfile(entry, file)


def _folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry, io.BytesIO())
