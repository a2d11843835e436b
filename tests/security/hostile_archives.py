"""Archives that attack who opens them.

``python -m tests.security.hostile_archives`` opens each archive of the working directory with ``summarize`` in a process
with little memory and time, and prints what it wrote, its memory and its time as JSON.
"""

import atexit
import gzip
import io
import json
import os
import resource
import stat
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

MEMORY: Final = 1 << 30
CPU_S: Final = 40
EVENT: Final = b'{"ts":"2026-11-22T21:12:16Z","event":"run_start"}\n'
RUN: Final = "run_1795381936096"
LOG: Final = f"{RUN}/events.jsonl"
Archive = Callable[[], bytes]


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive with the log of a run and further members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        log = tarfile.TarInfo(LOG)
        log.size = len(EVENT)
        archive.addfile(log, io.BytesIO(EVENT))
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def member(
    name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def header(name: str, size: int, kind: bytes) -> bytes:
    """Return the header of a member of any type and size."""
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def raw_tar(*blocks: bytes) -> bytes:
    """Return a tar archive of raw blocks, and the log of a run after them."""
    return b"".join(blocks) + tar_of()


def pax(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return header("pax", len(content), kind) + padded(content)


def record(key: bytes, value: bytes) -> bytes:
    """Return a record of a pax header, with its own length in front."""
    rest = b" " + key + b"=" + value + b"\n"
    size = len(rest)
    while len(str(size)) + len(rest) != size:
        size = len(str(size)) + len(rest)
    return str(size).encode() + rest


def zip_of(*entries: tuple[str | zipfile.ZipInfo, bytes], **fields: Any) -> bytes:
    """Return a zip archive with the log of a run and further entries; ``fields`` are set in the last one's directory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(LOG, EVENT)
        for entry, content in entries:
            archive.writestr(entry, content)
        for key, value in fields.items():
            setattr(archive.infolist()[-1], key, value)
    return out.getvalue()


def zip_entry(name: str, mode: int, content: bytes = b"/etc/passwd") -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return zip_of((info, content))


def zip_method(method: int) -> bytes:
    info = zipfile.ZipInfo(f"{RUN}/x")
    info.compress_type = method
    return zip_of((info, b"x" * 999))


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    assert len(old) == len(new)
    return content.replace(old, new)


def directory_only(count: int) -> bytes:
    """Return a zip archive whose directory has many entries for one file."""
    small = zip_of(("x", b""))
    start = small.rindex(b"PK\x01\x02")
    end = small.rindex(b"PK\x05\x06")
    first = small.index(b"PK\x01\x02")
    entries = small[first:end] + small[start:end] * count
    return (
        small[:first]
        + entries
        + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(entries), first, 0)
    )


def many_files() -> list[tuple[tarfile.TarInfo, bytes]]:
    return [member(f"{RUN}/{number}") for number in range(10_001)]


def _zstd(content: bytes) -> bytes:
    import zstandard

    return zstandard.compress(content)


def _gz_bomb(megabytes: int) -> bytes:
    """Return the gzip data of a tar archive with a file of zeros."""
    packer = zlib.compressobj(9, wbits=31)
    out = [packer.compress(header(LOG, megabytes << 20, tarfile.REGTYPE))]
    out += (packer.compress(bytes(1 << 20)) for _ in range(megabytes))
    return b"".join([*out, packer.compress(bytes(1024)), packer.flush()])


SPARSE: Final = {
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": f"{RUN}/big",
    "GNU.sparse.realsize": str(1 << 40),
}
DEEP: Final = "/".join("d" * 30)
PASSWD: Final = "/etc/passwd"

TARS: Final[dict[str, Archive]] = {
    "symlink": lambda: tar_of(member(f"{RUN}/status.json", kind=tarfile.SYMTYPE, linkname=PASSWD)),
    "symlink inside": lambda: tar_of(
        member(f"{RUN}/status.json", kind=tarfile.SYMTYPE, linkname="events.jsonl")
    ),
    "symlink to folder": lambda: tar_of(
        member("x", kind=tarfile.SYMTYPE, linkname="/tmp"), member("x/evil", b"x")
    ),
    "symlink to parent": lambda: tar_of(
        member("x", kind=tarfile.SYMTYPE, linkname=".."), member("x/evil", b"x")
    ),
    "hard link": lambda: tar_of(member(f"{RUN}/status.json", kind=tarfile.LNKTYPE, linkname=PASSWD)),
    "hard link inside": lambda: tar_of(member(f"{RUN}/status.json", kind=tarfile.LNKTYPE, linkname=LOG)),
    "character device": lambda: tar_of(member(f"{RUN}/zero", kind=tarfile.CHRTYPE, devmajor=1, devminor=5)),
    "block device": lambda: tar_of(member(f"{RUN}/disk", kind=tarfile.BLKTYPE, devmajor=8, devminor=0)),
    "pipe": lambda: tar_of(member(f"{RUN}/metrics.jsonl", kind=tarfile.FIFOTYPE)),
    "volume header": lambda: raw_tar(header("label", 0, b"V")),
    "unknown type": lambda: raw_tar(header("x", 3, b"Z") + padded(b"abc")),
    "absolute": lambda: tar_of(member("/tmp/evil", b"x")),
    "absolute folder": lambda: tar_of(member("/tmp/evil", kind=tarfile.DIRTYPE)),
    "two slashes": lambda: tar_of(member("//evil", b"x")),
    "parent": lambda: tar_of(member("../evil", b"x")),
    "parents": lambda: tar_of(member(f"{'../' * 18}tmp/evil", b"x")),
    "parent inside": lambda: tar_of(member(f"{RUN}/../../evil", b"x")),
    "parent that stays inside": lambda: tar_of(member(f"{RUN}/a/../b", b"x")),
    "parent folder": lambda: tar_of(member("..", kind=tarfile.DIRTYPE)),
    "parent by pax": lambda: raw_tar(pax(record(b"path", b"../evil")), header("x", 0, tarfile.REGTYPE)),
    "zero byte by pax": lambda: raw_tar(pax(record(b"path", b"a\0b")), header("x", 0, tarfile.REGTYPE)),
    "no name": lambda: tar_of(member(".", b"x")),
    "twice": lambda: tar_of(member(LOG, b"x")),
    "twice with a dot": lambda: tar_of(member(f"./{LOG}", b"x")),
    "twice with slashes": lambda: tar_of(member(LOG.replace("/", "//"), b"x")),
    "file as folder": lambda: tar_of(member(f"{LOG}/x", b"x")),
    "folder as file": lambda: tar_of(member(RUN, b"x")),
    "backslash": lambda: tar_of(member("..\\evil", b"x")),
    "long name": lambda: tar_of(member("n" * 300, b"x")),
    "deep": lambda: tar_of(member(DEEP, b"x")),
    "many files": lambda: tar_of(*many_files()),
    "many folders": lambda: tar_of(
        *(member(f"{n}/{m}", kind=tarfile.DIRTYPE) for n in range(150) for m in range(80))
    ),
    "sparse": lambda: tar_of(member("x", padded(b"1\n0\n0\n"), pax_headers=SPARSE)),
    "long pax header": lambda: raw_tar(pax(record(b"path", b"n" * (20 << 20)))),
    "long gnu name": lambda: raw_tar(header("x", 20 << 20, tarfile.GNUTYPE_LONGNAME), bytes(20 << 20)),
    "announced long name": lambda: raw_tar(header("x", 1 << 40, tarfile.GNUTYPE_LONGNAME)),
    "digits in pax header": lambda: raw_tar(pax(b"1" * 60_000), header("x", 0, tarfile.REGTYPE)),
    "digits in many headers": lambda: raw_tar(*[pax(b"1" * 60_000)] * 40),
    "chain of names": lambda: raw_tar(*[header("x", 2, tarfile.GNUTYPE_LONGNAME) + padded(b"a\0")] * 3_000),
    "chain of pax headers": lambda: raw_tar(*[pax(record(b"comment", b"x"))] * 3_000),
    "global keys": lambda: raw_tar(
        *(
            pax(b"".join(record(b"k%d.%d" % (n, m), b"v") for m in range(2_000)), tarfile.XGLTYPE)
            + header(f"f{n}", 0, tarfile.REGTYPE)
            for n in range(50)
        )
    ),
    "negative size": lambda: raw_tar(
        _with_checksum(header("x", 0, tarfile.REGTYPE), 124, b"\xff" * 10 + b"\xfe\x00")
    ),
    "huge size": lambda: raw_tar(header("x", 1 << 62, tarfile.REGTYPE)),
    "cut content": lambda: tar_of(member("x", b"x" * 9_000))[:-14_000],
    "cut header": lambda: tar_of(member("x", b"x"))[:1_300],
    "cut before the end": lambda: tar_of()[:1_024],
    "damaged header": lambda: tar_of(member("y", b"y")).replace(b"y\0\0", b"z\0\0", 1),
    "no run": lambda: raw_tar()[:0] + _other_tar(),
    "empty": lambda: b"",
    "zeros": lambda: bytes(10_240),
    "garbage": lambda: bytes(range(1, 255)) * 40,
    "a zip": lambda: zip_of(("x", b"x")),
}
COMPRESSED: Final[dict[str, Archive]] = {
    "bomb.tgz": lambda: _gz_bomb(120),
    "long bomb.tgz": lambda: gzip.compress(_gz_bomb(50)),
    "pax bomb.tgz": lambda: gzip.compress(raw_tar(pax(record(b"path", b"n" * (24 << 20))))),
    "name bomb.tar.gz": lambda: gzip.compress(
        raw_tar(header("x", 24 << 20, tarfile.GNUTYPE_LONGNAME), bytes(24 << 20))
    ),
    "cut.tgz": lambda: gzip.compress(tar_of(member("x", os.urandom(9_000))))[:-4_000],
    "not gzip.tgz": tar_of,
    "checksum.tgz": lambda: _flipped(gzip.compress(tar_of(member("x", os.urandom(9_000))))),
    "bomb.tar.zst": lambda: _zstd(header(LOG, 200 << 20, tarfile.REGTYPE) + bytes(200 << 20)),
    "cut.tar.zst": lambda: _zstd(tar_of(member("x", os.urandom(9_000))))[:-4_000],
    "not zstd.tzst": tar_of,
}
ZIPS: Final[dict[str, Archive]] = {
    "symlink": lambda: zip_entry(f"{RUN}/status.json", stat.S_IFLNK | 0o777),
    "symlink to folder": lambda: zip_entry("x", stat.S_IFLNK | 0o777, b"/tmp"),
    "device": lambda: zip_entry(f"{RUN}/zero", stat.S_IFCHR | 0o666),
    "block device": lambda: zip_entry(f"{RUN}/disk", stat.S_IFBLK | 0o666),
    "pipe": lambda: zip_entry(f"{RUN}/metrics.jsonl", stat.S_IFIFO | 0o666),
    "socket": lambda: zip_entry(f"{RUN}/socket", stat.S_IFSOCK | 0o666),
    "absolute": lambda: zip_of(("/tmp/evil", b"x")),
    "parent": lambda: zip_of(("../evil", b"x")),
    "parent inside": lambda: zip_of((f"{RUN}/../../evil", b"x")),
    "parent folder": lambda: zip_of(("../evil/", b"")),
    "backslash": lambda: zip_of(("..\\evil", b"x")),
    "zero byte": lambda: patched(zip_of(("aXb", b"x")), b"aXb", b"a\0b"),
    "file as folder": lambda: zip_of((f"{LOG}/x", b"x")),
    "folder as file": lambda: zip_of((RUN, b"x")),
    "twice with a dot": lambda: zip_of((f"./{LOG}", b"x")),
    "twice": lambda: patched(zip_of((f"{RUN}/events.jsonX", b"x")), b"events.jsonX", b"events.jsonl"),
    "encrypted": lambda: zip_of((f"{RUN}/x", b"x"), flag_bits=1),
    "bzip2": lambda: zip_method(zipfile.ZIP_BZIP2),
    "lzma": lambda: zip_method(zipfile.ZIP_LZMA),
    "unknown method": lambda: zip_of((f"{RUN}/x", b"x"), compress_type=97),
    "bomb": lambda: zip_of((f"{RUN}/x", bytes(90 << 20))),
    "many bombs": lambda: zip_of(*((f"{RUN}/{number}", bytes(2 << 20)) for number in range(40))),
    "many files": lambda: zip_of(*((f"{RUN}/{number}", b"") for number in range(10_001))),
    "long directory": lambda: directory_only(200_000),
    "same file": lambda: directory_only(20),
    "long name": lambda: zip_of(("n" * 300, b"x")),
    "deep": lambda: zip_of((DEEP, b"x")),
    "checksum": lambda: zip_of((f"{RUN}/x", b"x"), CRC=1),
    "other name in the directory": lambda: zip_of((f"{RUN}/x", b"x"), filename=f"{RUN}/y"),
    "offset": lambda: zip_of((f"{RUN}/x", b"x"), header_offset=1 << 30),
    "cut": lambda: zip_of((f"{RUN}/x", os.urandom(9_000)))[:-60],
    "no directory": lambda: zip_of()[:60],
    "not utf-8": lambda: patched(zip_of(("caf\xe9", b"x")), "caf\xe9".encode(), b"caf\xff\xff"),
    "empty": lambda: zip_of()[:0],
    "no entries": lambda: zip_of()[:0] + b"PK\x05\x06" + bytes(18),
    "a tar": tar_of,
}


def _with_checksum(block: bytes, at: int, field: bytes) -> bytes:
    """Return a header with a field replaced and the checksum made right."""
    changed = block[:at] + field + block[at + len(field) :]
    blank = changed[:148] + b" " * 8 + changed[156:]
    return changed[:148] + b"%06o\0 " % sum(blank) + changed[156:]


def _other_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(*[tarfile.TarInfo("readme.txt")])
    return out.getvalue()


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def archives() -> Iterator[tuple[str, Archive]]:
    """Yield the file name and the maker of every archive."""
    yield from ((f"{name}.tar", make) for name, make in TARS.items())
    yield from COMPRESSED.items()
    yield from ((f"{name}.zip", make) for name, make in ZIPS.items())


def opened(*words: str) -> dict[str, Any]:
    """Run a command in a child; return its exit code, output, memory in kB and CPU time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        sys.argv = ["osiris-inspect", *words]
        from osiris_inspect.cli import main

        code = 99
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read().decode("utf-8", "replace")
    _, status, usage = os.wait4(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "text": text,
        "memory": usage.ru_maxrss,
        "seconds": usage.ru_utime + usage.ru_stime,
    }


if __name__ == "__main__":
    import zstandard  # noqa: F401  the children do not import it again

    from osiris_inspect.cli.inspect import summarize  # noqa: F401
    from osiris_inspect.inspector.analysis import report_spool  # noqa: F401
    from osiris_inspect.inspector.archives import archive  # noqa: F401
    from osiris_inspect.inspector.files import find_runs  # noqa: F401

    print(
        json.dumps(
            {path.name: opened("summarize", path.name) for path in sorted(Path().iterdir()) if path.is_file()}
        )
    )
