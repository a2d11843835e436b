"""Names of events and steps, and their codes."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from osiris_inspect.inspector.event_log.index.vectorized import Numbers, WordArray, hash_bytes

Codes = npt.NDArray[np.uint16]


class NameTable:
    """Texts and their codes, from 1 on; 0 is none, the highest code stands for all that came too late.

    The bytes of a text are looked up by their hash, in two places of a table each.
    """

    def __init__(self, most: int, known: Iterable[str] = ()) -> None:
        self.other = most
        self.texts: list[str] = []
        self._codes: dict[str, int] = {}
        self._table = np.zeros((2, 1 << 16), np.uint16)
        self._hashes = np.zeros(most + 1, np.uint64)
        self._learned: dict[bytes, int] = {}
        for text in known:
            self.code(text)

    @property
    def is_full(self) -> bool:
        """Whether no further text gets a code of its own."""
        return len(self.texts) + 1 >= self.other

    def code(self, text: str | None) -> int:
        """The code of a text, a new one where it is met for the first time."""
        if text is None:
            return 0
        code = self._codes.get(text)
        if code is None and not self.is_full:
            self.texts.append(text)
            code = self._codes[text] = len(self.texts)
        return self.other if code is None else code

    def register(self, raw: bytes, text: str) -> None:
        """Remember that these bytes mean this text."""
        code = self.code(text)
        if code == self.other or raw in self._learned or self._hashes[code]:
            return  # of two spellings of one text the second is decoded each time
        self._learned[raw] = code
        hashed = hash_bytes(raw)
        self._hashes[code] = hashed[0]
        for table, place in zip(self._table, _places(hashed), strict=True):
            if not table[place].any():
                table[place] = code
                return

    def lookup_hashes(self, hashes: WordArray) -> Codes:
        """The codes of hashed texts; 0 for what was never learned."""
        first, second = _places(hashes)
        codes: Codes = self._table[0][first]
        strange = self._hashes[codes] != hashes
        if strange.any():
            again = np.flatnonzero(strange)
            others = self._table[1][second[again]]
            others[self._hashes[others] != hashes[again]] = 0
            codes[again] = others
        return codes


def _places(hashes: WordArray) -> tuple[Numbers, Numbers]:
    """The two places of a hash in a table of 65,536."""
    first = (hashes >> np.uint64(48)).astype(np.int64)
    return first, ((hashes >> np.uint64(32)) & np.uint64(0xFFFF)).astype(np.int64)
