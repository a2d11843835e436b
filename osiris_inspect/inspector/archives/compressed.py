"""Decompresses gzip and Zstandard data in blocks of bounded size."""

import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from osiris_inspect.base.install_hint import install_extras_command
from osiris_inspect.inspector.archives.limits import UnpackLimits

Compression = Literal["gzip", "zstd"]
BLOCK: Final = 1 << 20
"""Maximum number of bytes of a block of gzip data."""
_READ: Final = 1 << 14
"""Bytes read at once: what is left of them is copied for each member of a file that has many."""
_ZSTD_PIECE: Final = 256
"""Bytes decompressed at once: each 4 of them can become 128 kB."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_MAGIC: Final[dict[bytes, Compression]] = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_SUFFIXES: Final[dict[str, Compression]] = {".gz": "gzip", ".tgz": "gzip", ".zst": "zstd", ".tzst": "zstd"}


class DamagedData(OSError):
    """Compressed data is invalid or ends early."""


class PackageMissing(OSError):
    """The package that decompresses a file is not installed."""


def compression_of(name: str) -> Compression | None:
    """Return how a file is compressed, by the end of its name; None if it is not."""
    return _SUFFIXES.get(os.path.splitext(name)[1])  # noqa: PTH122  a Path is ten times slower


def compression_of_data(head: bytes) -> Compression | None:
    """Return how data is compressed, by its first 4 bytes; None if it is not."""
    return next((compression for magic, compression in _MAGIC.items() if head.startswith(magic)), None)


def decompress(
    stream: BinaryIO, compression: Compression, limits: UnpackLimits, *, packed: int | None = None
) -> Iterator[bytes]:
    """Yield the blocks of a compressed stream; ``packed`` is its size, None to count what was read of it.

    Raises:
        DamagedData: it is invalid or ends early; the blocks before were yielded.
        UnpackedTooLarge: it exceeds the limits.
        PackageMissing: the package for Zstandard is not installed.
        OSError: it cannot be read.
    """
    source = _CountedInput(stream)
    blocks = _gzip_blocks(source) if compression == "gzip" else _zstd_blocks(source)
    total = 0
    for block in blocks:
        total += len(block)
        limits.check(total, source.count if packed is None else packed)
        yield block


class _CountedInput:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self.count = stream, 0

    def read(self) -> bytes:
        data = self._stream.read(_READ)
        self.count += len(data)
        return data


def _gzip_blocks(source: _CountedInput) -> Iterator[bytes]:
    """Yield the blocks of all members of a gzip file, which may be padded with zeros."""
    decoder, pending = zlib.decompressobj(_GZIP), b""
    while True:
        is_end = not (pending or (pending := source.read()))
        if decoder.eof:
            pending = pending.lstrip(b"\0")
            if is_end:
                return
            if not pending:
                continue
            decoder = zlib.decompressobj(_GZIP)
        try:
            block = decoder.decompress(pending, BLOCK)
        except zlib.error:
            raise DamagedData("its gzip data is damaged") from None
        pending = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
        if block:
            yield block
        elif is_end and not decoder.eof:
            raise DamagedData("its gzip data ends early")


def _zstd_blocks(source: _CountedInput) -> Iterator[bytes]:
    """Yield the blocks of all frames of a Zstandard file."""
    try:
        from zstandard import ZstdDecompressor, ZstdError
    except ImportError:
        command = install_extras_command("zstd")
        raise PackageMissing(f"reading .zst needs the package zstandard: {command}") from None
    decompressor = ZstdDecompressor()
    decoder, is_ended = decompressor.decompressobj(), False
    while data := source.read():
        for begin in range(0, len(data), _ZSTD_PIECE):
            pending = data[begin : begin + _ZSTD_PIECE]
            while pending:
                if decoder.eof:
                    decoder = decompressor.decompressobj()
                try:
                    block = decoder.decompress(pending)
                except ZstdError:
                    raise DamagedData("its Zstandard data is damaged") from None
                is_ended = decoder.eof
                pending = decoder.unused_data if is_ended else b""
                if block:
                    yield block
    if not is_ended:
        raise DamagedData("its Zstandard data ends early")
