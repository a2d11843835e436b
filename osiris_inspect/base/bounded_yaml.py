"""YAML reader for pipelines, connections and the files of a run, within limits.

The fast parser of PyYAML recurses in C, and a deeply nested document would crash the process, so depth and number of
parts are limited before nodes are built, and copies by aliases before values are. Keys are kept as text: ``1: str``
has the key ``"1"``, ``on: true`` the key ``"on"``. Numbers in base 60, which YAML 1.2 dropped, are text: ``1:30``.
"""

import re
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, Final

import yaml

MAX_DEPTH: Final = 100
MAX_PARTS: Final = 200_000
"""Keys, values, lists and mappings of a document."""
MAX_ALIAS_EXPANSION: Final = 100_000
"""Maximum number of parts that aliases may add to a document."""
MAX_NUMBER_LENGTH: Final = 400
MAX_SLOW_LENGTH: Final = 100_000
"""Characters that the parser in Python, which takes ten times as long as that in C, may read."""
CACHE_LIMIT_BYTES: Final = 256 * 1024
"""A longer document is not cached."""
_LINE_BREAKS: Final = re.compile(rb"[\r\n]|\xc2\x85|\xe2\x80[\xa8\xa9]")
_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


class RejectedYaml(yaml.constructor.ConstructorError):
    """YAML that is not accepted."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(None, None, message, mark)


class BoundedLoader(yaml.SafeLoader):
    """Loader of plain values with text keys, which reports the position of invalid values."""

    def root(self) -> yaml.Node | None:
        """Return the node of the document; None if it is empty.

        Raises:
            yaml.YAMLError: the YAML is invalid, or a part contains itself or expands too far.
        """
        node: yaml.Node | None = self.get_single_node()
        if node is not None:
            _check_aliases(node)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise RejectedYaml(f"cannot be read: {error}", node.start_mark) from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """Return the text of a scalar."""
        if isinstance(node, yaml.ScalarNode):
            return _characters_of(node)
        return str(super().construct_scalar(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping with text keys."""
        if not isinstance(node, yaml.MappingNode):
            raise RejectedYaml("expected a mapping", node.start_mark)
        self.flatten_mapping(node)
        return {_key_of(key): self.construct_object(value, deep=deep) for key, value in node.value}

    def construct_number(self, node: yaml.ScalarNode) -> Any:
        """Return a number; the text of one in base 60."""
        text = self.construct_scalar(node)
        if ":" in text:
            return text
        if len(text) > MAX_NUMBER_LENGTH:
            limit = f"number has more than {MAX_NUMBER_LENGTH} characters; put it in quotes"
            raise RejectedYaml(limit, node.start_mark)
        is_integer = node.tag == "tag:yaml.org,2002:int"
        return self.construct_yaml_int(node) if is_integer else self.construct_yaml_float(node)


_Fast: Any = BoundedLoader
if yaml.__with_libyaml__:

    class _Fast(yaml.CSafeLoader, BoundedLoader):  # type: ignore[no-redef]
        """The same with the parser in C."""


def bounded_loader(text: str) -> BoundedLoader:
    """Return a loader for a text, to be disposed of.

    Raises:
        RejectedYaml: the text has a control character, is too deep or has too many parts.
    """
    _check_characters(text)
    _check_extent(text)
    # libyaml refuses surrogates, with which JSON writes characters such as emoji
    is_slow = len(text) <= MAX_SLOW_LENGTH and _SURROGATE.search(text)
    loader: BoundedLoader = BoundedLoader(text) if is_slow else _Fast(text)
    return loader


for _kind in ("int", "float"):
    BoundedLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", BoundedLoader.construct_number)


def load_yaml(content: bytes) -> Any:
    """Return the value of a YAML document, which the caller must not change: the last documents are cached.

    Raises:
        yaml.YAMLError: the document is invalid or exceeds a limit.
        UnicodeDecodeError: it is neither UTF-8 nor UTF-16.
    """
    return _load_cached(content) if len(content) <= CACHE_LIMIT_BYTES else _load(content)


@lru_cache(maxsize=32)
def _load_cached(content: bytes) -> Any:
    return _load(content)


def _load(content: bytes) -> Any:
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    loader = bounded_loader(content.decode("utf-16" if is_utf16 else "utf-8-sig"))
    try:
        node = loader.root()
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def max_depth(content: bytes) -> int:
    """Return an upper bound of the depth of a YAML document in UTF-8, without parsing it.

    A bracket begins a level and may hold a pair, which is another level. Of the other levels, at most two
    begin in each column, and only at the blanks and indicators that a line begins with.
    """
    longest = max(len(line) - len(line.lstrip(b" \t-?:")) for line in _LINE_BREAKS.split(content))
    return 2 * (longest + 1 + content.count(b"[") + content.count(b"{"))


def _check_characters(text: str) -> None:
    found = _UNPRINTABLE.search(text)
    if found is not None:
        before = text[: found.start()]
        mark = yaml.Mark("", found.start(), before.count("\n"), len(before.rpartition("\n")[2]), "", 0)
        raise RejectedYaml(f"control character U+{ord(found[0]):04X}; remove it", mark)


def _check_extent(text: str) -> None:
    """Reject a document that is too deep or has too many parts; the parser's events need no recursion."""
    content = text.encode()
    if max_depth(content) <= MAX_DEPTH and 2 * len(content) <= MAX_PARTS:  # "[:,:," has the most parts a byte
        return
    depth = parts = 0
    for event in yaml.parse(text, Loader=_Fast):
        parts += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise RejectedYaml(f"nested deeper than {MAX_DEPTH} levels; write it flatter", event.start_mark)
        if parts > MAX_PARTS:
            raise RejectedYaml(f"has more than {MAX_PARTS:,} parts; split the file", event.start_mark)


def _check_aliases(root: yaml.Node) -> None:
    """Reject a part that contains itself and excessive alias expansion; visits each part once."""
    extents: dict[int, tuple[int, int]] = {}
    visiting: set[int] = set()

    def extent_of(node: yaml.Node) -> tuple[int, int]:
        """Return the number of parts of a node and their depth, both with copies."""
        if id(node) in visiting:
            text = "alias refers to a part that contains it; remove the alias"
            raise RejectedYaml(text, node.start_mark)
        if id(node) not in extents:
            visiting.add(id(node))
            inner = [extent_of(child) for child in children(node)]
            visiting.discard(id(node))
            size = 1 + sum(size for size, _ in inner)
            depth = 1 + max((depth for _, depth in inner), default=0)
            extents[id(node)] = size, depth
            if size > len(extents) + MAX_ALIAS_EXPANSION:
                text = f"aliases expand to more than {MAX_ALIAS_EXPANSION:,} copies; write the content out"
                raise RejectedYaml(text, node.start_mark)
            if depth > MAX_DEPTH + 1 or len(visiting) > MAX_DEPTH:
                text = f"aliases nest deeper than {MAX_DEPTH} levels; write the content out"
                raise RejectedYaml(text, node.start_mark)
        return extents[id(node)]

    extent_of(root)


def children(node: yaml.Node) -> list[yaml.Node]:
    """Return the keys and values of a mapping, or the items of a list."""
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _key_of(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise RejectedYaml("a key must be text, not a list or a mapping", key.start_mark)
    return _characters_of(key)


def _characters_of(node: yaml.ScalarNode) -> str:
    """Return the text of a scalar; joins two escaped surrogates, as JSON writes them, to one character."""
    text = str(node.value)
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise RejectedYaml("invalid escape: half of a surrogate pair", node.start_mark) from None
