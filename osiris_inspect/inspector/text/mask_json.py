"""Masks the secrets in a line of JSON and leaves its other bytes as they are."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from osiris_inspect.inspector.text.event_fields import safe_keys
from osiris_inspect.inspector.text.json_line import to_json_line
from osiris_inspect.model import jsonl
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event
from osiris_inspect.model.redaction import MASK, is_secret_item, mask_by_key, mask_by_pattern, mask_texts

_SPACE: Final = re.compile(r"[\s\ufeff\0]*")
_DECODER: Final = json.JSONDecoder(strict=False)


def mask_line(raw: bytes, event: Event) -> bytes:
    """Return the line of an event with secrets masked, by key and by pattern.

    A line that is not valid JSON becomes the objects that were read from it, if it has a secret.
    """
    try:
        jsonl.decode_object(raw)
    except InvalidLine:
        return _mask_damaged(raw)
    safe = safe_keys(event)
    line = _Line(
        raw.decode(), safe if event.dialect != "worker" else (), safe if event.dialect == "worker" else ()
    )
    line.read_value(0)
    return line.masked().encode() if line.values else raw


def _mask_damaged(raw: bytes) -> bytes:
    text = raw.decode("utf-8", "replace")
    objects = [item.value for item in jsonl.read_objects(raw)]
    masked = mask_by_key(objects)
    if masked == objects and mask_by_pattern(text) == text:
        return raw
    return b" ".join(map(to_json_line, masked)) or mask_by_pattern(text).encode()


@dataclass
class _Line:
    """Valid JSON, and the places of what may be masked in it.

    Attributes:
        safe, safe_data: keys of the object, and of its ``data``, whose texts are masked by pattern only.
        values: beginning, end and text of each text; None as text of a value that its key makes a secret.
    """

    text: str
    safe: tuple[str, ...]
    safe_data: tuple[str, ...]
    values: list[tuple[int, int, str | None]] = field(default_factory=list)

    def masked(self) -> str:
        """Return the text with secrets masked."""
        parts: list[str] = []
        position = 0
        masks = mask_texts([value for _, _, value in self.values])
        for (begin, end, value), mask in zip(self.values, masks, strict=True):
            if value is None or value != mask:
                parts += (self.text[position:begin], json.dumps(MASK if value is None else mask))
                position = end
        return "".join([*parts, self.text[position:]])

    def read_value(self, position: int, path: tuple[str, ...] = ()) -> tuple[Any, int]:
        """Read the value at a position; return it, or its bracket, and its end."""
        begin = self._skip_space(position)
        if self.text[begin] == "{":
            return self.text[begin], self._read_items(begin + 1, path)
        if self.text[begin] == "[":
            return self.text[begin], self._read_items(begin + 1, None)
        value, end = _DECODER.raw_decode(self.text, begin)
        if isinstance(value, str):
            self.values.append((begin, end, value))
        return value, end

    def _read_items(self, position: int, path: tuple[str, ...] | None) -> int:
        """Read the items of an object, or of a list if ``path`` is None, and return its end."""
        position = self._skip_space(position)
        while self.text[position] not in "}]":
            if path is None:
                _, position = self.read_value(position, ("", ""))
            else:
                key, position = _DECODER.raw_decode(self.text, position)
                position = self._read_item(self._skip_space(position) + 1, (*path, key))
            position = self._skip_space(position)
            if self.text[position] == ",":
                position = self._skip_space(position + 1)
        return position + 1

    def _read_item(self, position: int, path: tuple[str, ...]) -> int:
        count, key = len(self.values), path[-1]
        value, end = self.read_value(position, path)
        safe = self.safe if len(path) == 1 else self.safe_data if len(path) == 2 and path[0] == "data" else ()
        is_safe = key in safe and len(self.values) == count + 1 and mask_by_pattern(value) == value
        if is_secret_item(key, value) and not is_safe:
            self.values[count:] = [(self._skip_space(position), end, None)]
        return end

    def _skip_space(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match is not None else position
