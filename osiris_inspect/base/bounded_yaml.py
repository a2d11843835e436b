"""Loads YAML documents of limited depth.

The fast loader of PyYAML recurses in C, and a deeply nested document would crash the process.
"""

import re
from functools import lru_cache
from typing import Any

MAX_DEPTH = 100
CACHE_LIMIT_BYTES = 256 * 1024
"""A longer document is not cached."""
_LINE_BREAKS = re.compile(rb"[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9]")


def load_yaml(content: bytes) -> Any:
    """Return the value of a YAML document, which the caller must not change: the last documents are cached.

    Raises:
        Exception: the document is invalid or too deep; PyYAML raises errors of many kinds on hostile input.
    """
    return _load_cached(content) if len(content) <= CACHE_LIMIT_BYTES else _load(content)


@lru_cache(maxsize=32)
def _load_cached(content: bytes) -> Any:
    return _load(content)


def _load(content: bytes) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if max_depth(content) > MAX_DEPTH:
        depth = 0
        for event in yaml.parse(content, Loader=loader):  # the parser does not recurse
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                raise yaml.YAMLError(f"YAML nested deeper than {MAX_DEPTH}")
    return yaml.load(content, Loader=loader)  # noqa: S506  both loaders are safe


def max_depth(content: bytes) -> int:
    """Return an upper bound of the depth of a YAML document, without parsing it.

    A bracket begins a level and may hold a pair, which is another level. Of the other levels, at most two
    begin in each column, and only at the blanks and indicators that a line begins with.
    """
    if b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(content)  # UTF-16
    longest = max(len(line) - len(line.lstrip(b" \t-?:")) for line in _LINE_BREAKS.split(content))
    return 2 * (longest + 1 + content.count(b"[") + content.count(b"{"))
