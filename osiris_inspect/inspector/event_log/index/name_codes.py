"""Codes for the names of events and steps."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.vectorized import Numbers, WordArray, hash_bytes

Codes = npt.NDArray[np.uint16]


class NameTable:
    """Names and their codes from 1 on; 0 is no name, and the highest code is shared by all late names.

    Names in a block of lines are looked up by the hash of their bytes, in two slots of a table each.
    """

    def __init__(self, max_code: int, names: Iterable[str] = ()) -> None:
        self.other = max_code
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}
        self._table = np.zeros((2, 1 << 16), np.uint16)
        self._hashes = np.zeros(max_code + 1, np.uint64)
        for text in names:
            self.code(text)

    @property
    def is_full(self) -> bool:
        """True if no further name gets a code of its own."""
        return len(self.texts) + 1 >= self.other

    def code(self, text: str | None) -> int:
        """Return the code of a name, a new code if the name is new."""
        if text is None:
            return 0
        code = self._codes.get(text)
        if code is None and not self.is_full:
            self.texts.append(text)
            code = self._codes[text] = len(self.texts)
        return self.other if code is None else code

    def register(self, raw: bytes, text: str) -> None:
        """Record that the log spells ``text`` as ``raw``; lines with a second spelling are decoded."""
        code = self.code(text)
        if code == self.other or self._hashes[code]:
            return
        hashes = hash_bytes(raw)
        self._hashes[code] = hashes[0]
        for table, slot in zip(self._table, _slots(hashes), strict=True):
            if not table[slot].any():
                table[slot] = code
                return

    def lookup_hashes(self, hashes: WordArray) -> Codes:
        """Return the code of each hash; 0 for a hash that was not registered."""
        first, second = _slots(hashes)
        codes: Codes = self._table[0][first]
        misses = np.flatnonzero(self._hashes[codes] != hashes)
        others = self._table[1][second[misses]]
        others[self._hashes[others] != hashes[misses]] = 0
        codes[misses] = others
        return codes


def _slots(hashes: WordArray) -> tuple[Numbers, Numbers]:
    first = (hashes >> np.uint64(48)).astype(np.int64)
    return first, ((hashes >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.int64)
