"""Program that lists the files of a remote worker: one JSON line per file with size and hash.

It runs in the sandbox as a file and imports only the standard library.
"""

import hashlib
import json
import sys
from pathlib import Path

_SKIPPED_FILES = "artifacts/_system/components.json"


def main() -> None:
    """Print the artifacts of a run directory, then the existing output files."""
    run, base, *outputs = sys.argv[1:]
    artifacts = [path.relative_to(run).as_posix() for path in sorted(Path(run, "artifacts").rglob("*"))]
    for folder, names in ((run, artifacts), (base, outputs)):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and name != _SKIPPED_FILES:
                sys.stdout.write(json.dumps(_to_entry(path, name, is_output=folder == base)) + "\n")


def _to_entry(path: Path, name: str, *, is_output: bool) -> dict[str, object]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"path": name, "bytes": path.stat().st_size, "sha256": digest, "is_output": is_output}


if __name__ == "__main__":
    main()
