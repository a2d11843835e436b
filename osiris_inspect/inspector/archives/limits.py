"""Limits on what compressed data of a stranger may become."""

from typing import Final, NamedTuple


class UnpackedTooLarge(OSError):
    """Compressed data is larger than allowed, or so much larger than its file that it can only be an attack."""


class UnpackLimits(NamedTuple):
    """Limits on unpacked data.

    Attributes:
        max_bytes: bytes of all files together.
        max_ratio: unpacked bytes for each byte of the packed file; checked above ``free_bytes``, because a short file of
            equal lines has a high ratio, too.
        max_entries: files and folders of an archive.
    """

    max_bytes: int
    max_ratio: int = 200
    free_bytes: int = 16 << 20
    max_entries: int = 10_000

    def check(self, unpacked: int, packed: int) -> None:
        """Check the bytes unpacked so far against the size of the packed file.

        Raises:
            UnpackedTooLarge: there are too many.
        """
        if unpacked > self.max_bytes:
            raise UnpackedTooLarge(f"it unpacks to more than {self.max_bytes:,} bytes")
        if unpacked > max(self.free_bytes, packed * self.max_ratio):
            raise UnpackedTooLarge(
                f"it unpacks to more than {self.max_ratio} times its {packed:,} bytes, as a decompression bomb does"
            )


LOG_LIMITS: Final = UnpackLimits(max_bytes=4 << 30)
"""Limits of one log with its rotated parts."""
ARCHIVE_LIMITS: Final = UnpackLimits(max_bytes=2 << 30)
"""Limits of a packed run directory."""
