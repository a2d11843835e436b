"""A sample run whose files are packed in every way that the reading commands open."""

import gzip
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import zstandard

from osiris_inspect.model import run_layout as layout
from tests.samples import runs

RUN: Final = next(run for run in runs() if run.parent.name == "missing_input")
NAME: Final = RUN.name

Pack = Callable[[bytes], bytes]
COMPRESS: Final[Mapping[str, Pack]] = {
    "": lambda content: content,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".zst": zstandard.compress,
}


def logs_of(run: Path) -> list[Path]:
    """Return the logs of a run."""
    return [run / name for name in layout.LOGS if (run / name).is_file()]


def compress(run: Path, suffix: str) -> None:
    """Compress every log of a run."""
    for log in logs_of(run):
        log.with_name(log.name + suffix).write_bytes(COMPRESS[suffix](log.read_bytes()))
        log.unlink()


def rotate(run: Path, suffixes: tuple[str, ...]) -> None:
    """Split every log into parts of as many lines, the oldest first; the last part keeps the name."""
    for log in logs_of(run):
        lines = log.read_bytes().splitlines(keepends=True)
        size = max(1, len(lines) // len(suffixes))
        cuts = [*(size * number for number in range(len(suffixes))), len(lines)]
        log.unlink()
        for number, suffix in enumerate(suffixes):
            age = len(suffixes) - 1 - number
            content = b"".join(lines[cuts[number] : cuts[number + 1]])
            name = f"{log.name}.{age}{suffix}" if age else f"{log.name}{suffix}"
            log.with_name(name).write_bytes(COMPRESS[suffix](content))


PACKED: Final[Mapping[str, Callable[[Path], None]]] = {
    "gz": lambda run: compress(run, ".gz"),
    "zst": lambda run: compress(run, ".zst"),
    "rotated": lambda run: rotate(run, ("", "", "")),
    "rotated gz": lambda run: rotate(run, (".gz", ".gz", "")),
    "rotated mixed": lambda run: rotate(run, (".zst", ".gz", "", ".gz")),
    "rotated often": lambda run: rotate(run, ("",) * 12),
}
"""Changes to the logs of a run, by name."""


def packed_run(folder: Path, name: str) -> Path:
    """Return a copy of the sample run in a folder, with packed logs."""
    run = folder / NAME
    shutil.copytree(RUN, run)
    PACKED[name](run)
    return run


def _tar(folder: Path, mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]  # a variable mode
        archive.add(folder, folder.name)
    return out.getvalue()


def _zip(folder: Path) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    return out.getvalue()


ARCHIVES: Final[Mapping[str, Callable[[Path], bytes]]] = {
    ".tgz": lambda folder: _tar(folder, "w:gz"),
    ".tar.gz": lambda folder: _tar(folder, "w:gz"),
    ".tar": lambda folder: _tar(folder, "w"),
    ".tar.zst": lambda folder: zstandard.compress(_tar(folder, "w")),
    ".zip": _zip,
}
"""Makes the archive of a folder, by the end of its name."""
