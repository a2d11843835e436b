"""Archive for the sandbox: the worker's code, the run's files and the pipeline's input files."""

import io
import tarfile
from pathlib import Path
from typing import Final

from osiris_inspect.model.errors import WorkerStartFailed
from osiris_inspect.runtime.pipeline.pipeline_files import unfinished_file
from osiris_inspect.runtime.protocol import bundle
from osiris_inspect.runtime.protocol.driver_packages import PackageFiles
from osiris_inspect.runtime.transport.remote_files import name_below
from osiris_inspect.runtime.transport.transport import LaunchSpec

CODE: Final = "osiris"
RUN: Final = "run"
BASE: Final = "work"
ARCHIVE: Final = "osiris-parcel.tgz"


def build_archive(launch: LaunchSpec, packages: PackageFiles, to: Path) -> None:
    """Write the archive of a run to a file, with the packages of third-party drivers.

    Raises:
        WorkerStartFailed: the pipeline names a file outside its folder.
        OSError: a file cannot be read, or the archive cannot be written.
    """
    root = bundle.PACKAGE_DIR
    with tarfile.open(to, "w:gz", compresslevel=3) as tar:
        for path in bundle.code_files():
            _add_file(tar, path, f"{CODE}/{root.name}/{path.relative_to(root).as_posix()}")
        for name, path in packages.files.items():
            _add_file(tar, path, f"{CODE}/{name}")
        for name, text in packages.metadata.items():
            _add_text(tar, text, f"{CODE}/{name}")
        for name in launch.bundle.files:
            _add_file(tar, launch.run_dir / name, f"{RUN}/{name}")
        _add_folder(tar, BASE)
        for path in launch.bundle.named_files.read:
            name = name_below(path, launch.base, "reads")
            if path.is_file():
                _add_file(tar, path, f"{BASE}/{name}")
        for path in launch.bundle.named_files.updated:
            name = name_below(path, launch.base, "writes")
            if path.is_file():
                check_not_in_use(path)
                _add_file(tar, path, f"{BASE}/{name}")
        for path in launch.bundle.named_files.written:
            name = name_below(path, launch.base, "writes")
            if path.parent.is_dir():
                _add_folder(tar, str(Path(BASE, name).parent))


def check_not_in_use(path: Path) -> None:
    """Check that a SQLite database is complete without the files beside it.

    Raises:
        WorkerStartFailed: another program has changes in such a file.
    """
    file = unfinished_file(path)
    if file is not None:
        raise WorkerStartFailed(
            f"cannot upload {str(path)!r}: another program uses it, and {file.name} has changes of it",
            kind="lock-conflict",
            fix="end the program that uses the file, or run on this machine",
            path=str(path),
        )


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = path.stat().st_size, 0o644
    with path.open("rb") as file:
        tar.addfile(entry, file)


def _add_text(tar: tarfile.TarFile, text: str, name: str) -> None:
    data = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o644
    tar.addfile(entry, io.BytesIO(data))


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    tar.addfile(entry, io.BytesIO())
