"""What lies where a far worker is: one JSON line a file, with its size and hash. Run there, as a program."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

_SKIPPED_FILES = "artifacts/_system/components.json"


def main() -> None:
    """Print the artifacts of a run directory, then those of the named output files that are there."""
    run, base, *outputs = sys.argv[1:]
    for folder, names in ((Path(run), _artifacts(Path(run))), (Path(base), iter(outputs))):
        for name in names:
            path = folder / name
            if path.is_file() and name != _SKIPPED_FILES:
                sys.stdout.write(json.dumps(_line(path, name, is_output=folder == Path(base))) + "\n")


def _artifacts(run: Path) -> Iterator[str]:
    return (path.relative_to(run).as_posix() for path in sorted((run / "artifacts").rglob("*")))


def _line(path: Path, name: str, *, is_output: bool) -> dict[str, object]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": name, "bytes": path.stat().st_size, "sha256": digest, "is_output": is_output}


if __name__ == "__main__":
    main()
