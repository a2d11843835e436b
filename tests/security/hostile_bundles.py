"""Zips that attack who opens a repro bundle, made of the zip of a run whose step ``broken`` failed.

``python -m tests.security.hostile_bundles`` opens each zip of the working directory, and prints what each command wrote as
JSON. A zip whose name begins with ``run`` is replayed, another one is summarized.
"""

import io
import json
import random
import stat
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.security.hostile_archives import opened

NAMES: Final = (
    *("../evil", "../../evil", "a/../../evil", "a/b/../../../evil", "..", "../", "a/..", "./../evil"),
    *("/evil", "//evil", "/tmp/evil", "///tmp/evil", "\\evil", "..\\evil", "a\\..\\..\\evil", "C:\\evil"),
    *("a\0b", "\0", "evil\0.txt", "", "a/\0/b", "x" * 256, "é" * 200, "a/" * 30 + "evil"),
    *(
        "a/" * 2000 + "e",
        "a//../../evil",
        "a/./../../evil",
        "~/../../evil\\",
        ".../../../evil",
        "\\\\host\\share",
    ),
)
"""Names of entries that lead out of a folder, or are not names."""
MODES: Final = (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFBLK, stat.S_IFCHR)
TARGETS: Final = (b"/etc/passwd", b"../../evil", b"events.jsonl", b"/dev/zero")
DOCUMENTS: Final = ("events.jsonl", "manifest.yaml", "cfg/broken.json", "artifacts/early/schema.json")
CONTENTS: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "zeros": b"\0" * 999,
    "bytes": bytes(range(256)),
    "list": b"[]",
    "text": b'"x"',
    "null": b"null",
    "number": b"1e999",
    "digits": b"9" * 9_999,
    "deep list": b"[" * 99_999,
    "deep map": b'{"a":' * 99_999,
    "surrogate": b'{"a": "\\ud800"}',
    "anchors": b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n",
    "python": b"!!python/object/apply:os.system ['touch /tmp/evil']",
    "pickle": b"cos\nsystem\n(S'touch /tmp/evil'\ntR.",
}
"""Contents of a document that are not that document."""
TRUNCATIONS: Final = 40
FLIPS: Final = 60


def bundles(run: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each hostile zip; ``run`` has the files of the run by their path in the zip."""
    whole = packed(run)
    folder = next(iter(run)).partition("/")[0]
    for number, name in enumerate(NAMES):
        yield f"run name {number}.zip", packed(run, (_entry(name), b"evil"))
    for mode in MODES:
        for number, target in enumerate(TARGETS):
            entry = _entry(f"{folder}/link", mode)
            yield f"run mode {mode:o} {number}.zip", packed(run, (entry, target))
    for number in range(TRUNCATIONS):
        yield f"run cut {number}.zip", whole[: len(whole) * number // TRUNCATIONS]
    chance = random.Random(7)
    for number in range(FLIPS):
        flipped = bytearray(whole)
        for _ in range(1 + number % 3):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        yield f"flip {number}.zip", bytes(flipped)
    for document in DOCUMENTS:
        for kind, content in CONTENTS.items():
            changed = {**run, f"{folder}/{document}": content}
            yield f"run {document.replace('/', '-')} {kind}.zip", packed(changed)


def packed(files: Mapping[str, bytes], *others: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    """Return a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for entry, content in others:
            archive.writestr(entry, content)
    return out.getvalue()


def _entry(name: str, mode: int = stat.S_IFREG) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    info.create_system, info.external_attr = 3, (mode | 0o600) << 16
    return info


def _words(name: str) -> tuple[str, ...]:
    return ("replay", name, "broken", "--quiet") if name.startswith("run ") else ("summarize", name)


if __name__ == "__main__":
    from osiris_inspect.cli.inspect import summarize  # noqa: F401  the children do not import it again
    from osiris_inspect.cli.replay import replay  # noqa: F401
    from osiris_inspect.inspector.archives import archive  # noqa: F401
    from osiris_inspect.inspector.files import find_runs  # noqa: F401
    from osiris_inspect.runtime.replay.repro import foreign_replay  # noqa: F401

    names = sorted(path.name for path in Path().iterdir() if path.suffix == ".zip")
    sys.stdout.write(json.dumps({name: opened(*_words(name)) for name in names}))
