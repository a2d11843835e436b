"""Masking of secrets with known values, in every spelling that decodes to the value.

A text is searched as it is and with its escapes decoded, level by level, so the cost does not depend on how many
spellings a secret has. Base64 (at all three alignments) and hex are searched as further values.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from osiris_inspect.model.redaction.secret_keys import is_secret_key
from osiris_inspect.model.redaction.shapes import MASK
from osiris_inspect.model.redaction.unescape import Unescaped, joined_lines, unescape

MIN_SECRET_LENGTH: Final = 4
"""Characters of the shortest secret that is masked by value; a shorter one would mask half of a log."""
MIN_WORD_LENGTH: Final = 8
"""Characters of the shortest word that is masked by value; a shorter one may be any word of a log."""
_MIN_BASE64_LENGTH: Final = 4
_LEVELS: Final = 5
"""Levels of escapes that are decoded: JSON in JSON in JSON, of a text with an escape."""
_MAX_ESCAPED_WIDTH: Final = 16
"""Characters that one character of a secret may have in escaped form."""
_LONG: Final = 32
"""Characters from which on a value is searched by itself, which is faster than among others."""
_SEPARATORS: Final = ("", ":", "-", " ")
"""Separators of bytes in hex."""
_PLACE: Final = r"([\w.\-]{1,64})(['\"\\]{0,8}\s{0,5}(?:=>|[:=])\s{0,5}b?['\"\\]{0,8})"
_ADDRESS: Final = r"(://[^\s:/@]{0,200}:)"
_BLANK: Final = re.compile(r"[ \t]")
_LETTERS: Final = re.compile(r"[A-Za-z_.\-]*")

Span = tuple[int, int]


class Redactor:
    """Masks secrets with known values.

    Attributes:
        by_place: secrets that are words or names, masked only after a key of a secret and in addresses.
        max_length: characters of the longest spelling of a secret, at least of one line of it.
    """

    def __init__(self, secrets: Iterable[str] = (), by_place: Iterable[str] = ()) -> None:
        self.by_place = frozenset(by_place)
        whole = [secret for secret in dict.fromkeys(secrets) if secret not in self.by_place]
        self.by_place |= {secret for secret in whole if is_word(secret)}
        by_value = [part for secret in whole if secret not in self.by_place for part in _parts(secret)]
        values = {value for secret in by_value for value in _values(secret)}
        self._values = sorted(values, key=lambda value: (len(value), value))
        self._long = [value for value in self._values if len(value) >= _LONG]
        short = [re.escape(value) for value in self._values if len(value) < _LONG]
        blanks = [text for secret in by_value for text in _patterns(secret)]
        self._short = re.compile("|".join(short + blanks)) if short + blanks else None
        self._blanks = [re.compile(text) for text in blanks]
        self._place = _place_pattern(self.by_place)
        lines = [line for secret in (*whole, *self.by_place) for line in secret.splitlines()]
        widest = max(map(len, lines), default=0) * _MAX_ESCAPED_WIDTH
        self.max_length = max([widest, *(2 * len(secret.encode("utf-8", "replace")) for secret in whole)])

    def redact_text(self, text: str) -> str:
        """Return ``text`` with every known secret masked."""
        if self._place is None and self._is_clean(text):
            return text
        return self.redact_up_to(text, len(text))[0]

    def redact_up_to(self, text: str, end: int) -> tuple[str, int]:
        """Return the masked beginning of a text, and its length: ``end``, or less if a secret crosses it."""
        spans = [] if self._is_clean(text) else self.spans(text)
        places = [] if self._place is None else [match.span() for match in self._place.finditer(text)]
        for begin, span_end in sorted([*spans, *places], reverse=True):
            if begin < end < span_end:
                end = begin
        masked = mask_spans(text[:end], (span for span in spans if span[1] <= end))
        return masked if self._place is None else self._place.sub(_mask_place, masked), end

    def redact_value(self, value: Any) -> Any:
        """Return a JSON value with every known secret masked, also in keys."""
        if not self._values and self._place is None:
            return value
        if isinstance(value, str):
            return self.redact_text(value)
        if isinstance(value, Mapping):
            return {
                self.redact_text(str(key)): self._redact_item(str(key), item) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.redact_value(item) for item in value]
        return value

    def spans(self, text: str) -> list[Span]:
        """Return the parts of a text that are secrets by value, joined where they overlap."""
        spans = sorted(self._matches(text, _LEVELS))
        joined: list[Span] = []
        for begin, end in spans:
            if joined and begin < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((begin, end))
        return joined

    def _is_clean(self, text: str) -> bool:
        """Return True if a text has no escapes and no secret, also none across its lines."""
        if not self._values or len(text) < len(self._values[0]):
            return True
        joined = joined_lines(text)
        return joined is not None and not self._has_value(joined)

    def _has_value(self, text: str) -> bool:
        if self._short is not None and self._short.search(text):
            return True
        for value in self._long:
            if len(value) > len(text):
                break
            if value in text:
                return True
        return False

    def _redact_item(self, key: str, item: Any) -> Any:
        return (
            MASK
            if item.__class__ is str and item in self.by_place and is_secret_key(key)
            else self.redact_value(item)
        )

    def _matches(self, text: str, levels: int) -> Iterator[Span]:
        if self._has_value(text):
            for value in self._values:
                begin = text.find(value)
                while begin >= 0:
                    yield begin, begin + len(value)
                    begin = text.find(value, begin + 1)
            for pattern in self._blanks:
                yield from (match.span() for match in pattern.finditer(text))
        if levels:
            decoded = Unescaped(text)
            if decoded.is_changed:
                yield from (decoded.source_span(*span) for span in self._matches(decoded.text, levels - 1))


def is_word(secret: str) -> bool:
    """Return True if a secret is a short word of letters without a digit, which is masked only by place."""
    return len(secret) < MIN_WORD_LENGTH and _LETTERS.fullmatch(secret) is not None


def mask_spans(text: str, spans: Iterable[Span]) -> str:
    """Return ``text`` with a mask in place of each part, which must be in order and not overlap."""
    parts: list[str] = []
    position = 0
    for begin, end in spans:
        parts += (text[position:begin], MASK)
        position = end
    return "".join([*parts, text[position:]]) if parts else text


def _parts(secret: str) -> Iterator[str]:
    """Yield a secret, its text without surrounding white space, and its lines if it has several."""
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= MIN_WORD_LENGTH and not line.startswith("-----"))
    yield from (part for part in {secret, secret.strip()} if len(part) >= MIN_SECRET_LENGTH)


def _values(secret: str) -> Iterator[str]:
    """Yield what a secret becomes when its escapes are decoded, as characters and as bytes, and its encodings."""
    data = secret.encode("utf-8", "surrogatepass")
    for text in {secret, unescape(secret, _LEVELS)}:
        value = text.removesuffix("\\")
        if len(value) >= MIN_SECRET_LENGTH:
            yield value
            yield value.encode("utf-8", "surrogatepass").decode("latin-1")
    for separator in _SEPARATORS:
        digits = separator.join(f"{byte:02x}" for byte in data)
        yield from (digits, digits.upper())
    yield from _base64_values(data)


def _base64_values(secret: bytes) -> Iterator[str]:
    """Yield the parts of the base64 text that do not depend on the surrounding bytes, for all three alignments."""
    for shift in range(3):
        padded = b"\0" * shift + secret
        start = 0 if shift == 0 else shift + 1
        core = base64.b64encode(padded).decode()[start : len(padded) * 8 // 6]
        if len(core) >= _MIN_BASE64_LENGTH:
            yield from (core, core.replace("+", "-").replace("/", "_"))
    yield base64.b64encode(secret).decode()


def _patterns(secret: str) -> Iterator[str]:
    """Yield a pattern of a secret with blanks, which become ``+`` in a form and disappear where a text is wrapped."""
    text = unescape(secret, _LEVELS).removesuffix("\\")
    if _BLANK.search(text.strip()) and "\n" not in secret:
        for spelling in {text, text.encode("utf-8", "surrogatepass").decode("latin-1")}:
            yield r"[ \t+]?".join(map(re.escape, _BLANK.split(spelling.strip())))


def _place_pattern(secrets: Iterable[str]) -> re.Pattern[str] | None:
    words = "|".join(re.escape(secret) for secret in sorted(secrets, key=len, reverse=True) if secret)
    return re.compile(rf"{_PLACE}(?:{words})(?!\w)|{_ADDRESS}(?:{words})(?=@)") if words else None


def _mask_place(match: re.Match[str]) -> str:
    if match[3] is not None:
        return match[3] + MASK
    return match[1] + match[2] + MASK if is_secret_key(match[1]) else match[0]
