"""Every regular expression of the program, and what makes the time of a search grow faster than the text.

Three shapes are refused: an unbounded repeat at the start of a searched pattern, two neighbouring repeats that can
match the same character, and a repeat inside a repeat. A repeat is unbounded without an upper limit.
"""

import ast
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]  # the parser of the standard library is private
from re import _parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import osiris_inspect
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

PACKAGE = Path(osiris_inspect.__file__).parent
SEARCHES = frozenset({"search", "sub", "subn", "findall", "finditer", "split"})
_CALLS = SEARCHES | {"match", "fullmatch", "compile"}
_ANCHORED = frozenset({"match", "fullmatch"})
_CHARACTERS = frozenset(chr(code) for code in range(256)) | {"\u4e2d"}
"""Latin-1, and one character that stands for all others."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One regular expression.

    Attributes:
        where: module and line, or the name of the rule.
        is_searched: False if it is only matched at a given position.
    """

    where: str
    text: str | bytes
    flags: int
    is_searched: bool = True

    def __str__(self) -> str:
        return self.where

    @property
    def regex(self) -> re.Pattern[Any]:
        return re.compile(self.text, self.flags)


def all_patterns() -> list[Pattern]:
    """Return the patterns of all modules, each once, sorted by their place."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    everywhere = _methods_by_name(trees.values())
    found: dict[tuple[str | bytes, int], Pattern] = {}
    for path, tree in trees.items():
        methods = {**everywhere, **_methods_by_name([tree])}
        for pattern in _calls_in(path, tree, methods):
            found.setdefault((pattern.text, pattern.flags), pattern)
    for module in _modules():
        for pattern in _values_in(module, everywhere):
            found.setdefault((pattern.text, pattern.flags), pattern)
    return sorted(found.values(), key=lambda pattern: (pattern.where, str(pattern.text)))


def _methods_by_name(trees: Iterable[ast.Module]) -> Mapping[str, set[str]]:
    """Return the methods that are called on each name; of a name in two modules both."""
    methods: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                name = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
                methods.setdefault(name, set()).add(node.attr)
    return methods


def _calls_in(path: Path, tree: ast.Module, methods: Mapping[str, set[str]]) -> Iterator[Pattern]:
    names = {
        id(node.value): _target(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function = node.func
        is_lazy = isinstance(function, ast.Name) and function.id == "LazyRegex"
        is_re = (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "re"
            and function.attr in _CALLS
        )
        text = _literal(node.args[0])
        if text is None or not (is_lazy or is_re):
            continue
        used = (
            {function.attr} if isinstance(function, ast.Attribute) and function.attr != "compile" else set()
        )
        used = used or methods.get(names.get(id(node), ""), set())
        is_searched = bool(used & SEARCHES) or not used & _ANCHORED
        where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
        yield Pattern(where, text, _flags(node, function), is_searched)


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def _literal(node: ast.expr) -> str | bytes | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, str | bytes) else None


def _flags(node: ast.Call, function: ast.expr) -> int:
    words = {item.attr for part in [*node.args[1:], *(k.value for k in node.keywords)] for item in ast.walk(part)
             if isinstance(item, ast.Attribute) and isinstance(item.value, ast.Name) and item.value.id == "re"}  # fmt: skip
    return sum(getattr(re, word).value for word in words if isinstance(getattr(re, word, None), re.RegexFlag))


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(osiris_inspect.__path__, "osiris_inspect."):
        if not module.name.endswith("__main__"):
            yield import_module(module.name)


def _values_in(module: ModuleType, methods: Mapping[str, set[str]]) -> Iterator[Pattern]:
    for name, value in vars(module).items():
        if name.startswith("__") or isinstance(value, ModuleType | type):
            continue
        used = methods.get(name, set())
        is_searched = bool(used & SEARCHES) or not used & _ANCHORED
        for item in _regexes(value, depth=4):
            if isinstance(item, ErrorPattern):
                yield Pattern(f"{module.__name__}.{name}", item.pattern, 0)
            elif isinstance(item, LazyRegex):
                yield Pattern(f"{module.__name__}.{name}", item.text, item.flags, is_searched)
            else:
                flags = item.flags & ~re.UNICODE.value if isinstance(item.pattern, str) else item.flags
                yield Pattern(f"{module.__name__}.{name}", item.pattern, flags, is_searched)


def _regexes(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, ErrorPattern | LazyRegex | re.Pattern):
        yield value
    elif depth and isinstance(value, Mapping):
        for item in (*value.keys(), *value.values()):
            yield from _regexes(item, depth - 1)
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _regexes(item, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _regexes(getattr(value, field.name, None), depth - 1)


# ── analysis ──


def problems(pattern: Pattern) -> list[str]:
    """Return what makes the time of a pattern grow faster than the text; empty for a sound one."""
    tree = _parser.parse(pattern.text, pattern.flags)
    found = list(_inner_problems(list(tree), tree.state.flags))
    if pattern.is_searched:
        found += [f"begins with {_shown(node)}" for node in _starts(list(tree), tree.state.flags)]
    return found


def _is_unbounded(node: Any) -> bool:
    return node[0] in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT) and node[1][1] == sre.MAXREPEAT


def _shown(node: Any) -> str:
    shown = _set_of(list(node[1][2]), 0) & set("aA0_ .,:/-\n")
    return f"an unbounded repeat of {''.join(sorted(shown))!r}"


def _bodies(node: Any) -> list[list[Any]]:
    """Return the sequences inside of a node."""
    op, value = node
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return [list(value[2])]
    if op is sre.SUBPATTERN:
        return [list(value[3])]
    if op is sre.ATOMIC_GROUP:
        return [list(value)]
    if op is sre.BRANCH:
        return [list(branch) for branch in value[1]]
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [list(value[1])]
    return []


def _is_empty(node: Any) -> bool:
    """Return True if a node can match nothing."""
    op, value = node
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return value[0] == 0 or all(map(_is_empty, value[2]))
    if op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF, sre.GROUPREF_EXISTS):
        return True
    if op is sre.BRANCH:
        return any(all(map(_is_empty, branch)) for branch in value[1])
    if op in (sre.SUBPATTERN, sre.ATOMIC_GROUP):
        return all(all(map(_is_empty, body)) for body in _bodies(node))
    return False


def _starts(sequence: list[Any], flags: int, *, is_last: bool = True) -> Iterator[Any]:
    """Yield the unbounded repeats that a search may begin with; ``is_last`` means that nothing must follow."""
    boundary: frozenset[str] = frozenset()
    for number, node in enumerate(sequence):
        op, value = node
        if op is sre.AT:
            if value is sre.AT_BEGINNING_STRING or (value is sre.AT_BEGINNING and not flags & re.MULTILINE):
                return
            if value is sre.AT_BEGINNING:
                boundary = _CHARACTERS - {"\n"}
            elif value is sre.AT_BOUNDARY:
                boundary = frozenset(filter(re.compile(r"\w").match, _CHARACTERS))
            continue
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            direction, body = value
            if direction < 0 and op is sre.ASSERT_NOT:
                boundary = _set_of(list(body), flags)  # a repeat of these cannot begin inside of another
            continue
        rest = sequence[number + 1 :]
        ends_here = is_last and all(map(_is_empty, rest)) and not _is_checked(rest)
        if _is_unbounded(node) and ends_here and not _is_empty(node):
            return  # the repeat is all that must match, so no position is searched twice
        if _is_unbounded(node) and not _set_of(list(value[2]), flags) <= boundary:
            yield node
        elif not _is_unbounded(node):
            for body in _bodies(node):
                starts = _starts(body, flags, is_last=ends_here)
                yield from (each for each in starts if not _set_of(list(each[1][2]), flags) <= boundary)
        if not _is_empty(node):
            return


def _inner_problems(sequence: list[Any], flags: int) -> Iterator[str]:
    for number, node in enumerate(sequence):
        for body in _bodies(node):
            yield from _inner_problems(body, flags)
            if _is_unbounded(node):
                first = _first_of(body, flags)
                for inner in _ends(body):
                    if all(map(_is_empty, body)) or _set_of(list(inner[1][2]), flags) & first:
                        yield f"nests {_shown(inner)} in another"
        for left in _ends([node]):
            for right in _next_repeats(sequence[number + 1 :]):
                common = _set_of(list(left[1][2]), flags) & _first_of(list(right[1][2]), flags)
                if common and (_is_unbounded(left) and _is_unbounded(right)):
                    yield f"two repeats match the same character: {_shown(left)}, {_shown(right)}"


def _is_checked(sequence: list[Any]) -> bool:
    """Return True if what follows can fail without matching a character: an anchor or an assertion."""
    return any(node[0] in (sre.AT, sre.ASSERT, sre.ASSERT_NOT) for node in sequence)


def _first_of(sequence: list[Any], flags: int) -> frozenset[str]:
    """Return the characters that a match of a sequence can begin with."""
    characters: frozenset[str] = frozenset()
    for node in sequence:
        bodies = _bodies(node) if node[0] not in (sre.ASSERT, sre.ASSERT_NOT) else []
        characters = (
            characters.union(*(_first_of(body, flags) for body in bodies))
            if bodies
            else characters | _set_of([node], flags)
        )
        if not _is_empty(node):
            break
    return characters


def _ends(sequence: list[Any]) -> Iterator[Any]:
    """Yield the unbounded repeats that a sequence may end with."""
    for node in reversed(sequence):
        if _is_unbounded(node):
            yield node
        elif node[0] in (sre.SUBPATTERN, sre.BRANCH, sre.ATOMIC_GROUP):
            for body in _bodies(node):
                yield from _ends(body)
        if not _is_empty(node):
            return


def _next_repeats(sequence: list[Any]) -> Iterator[Any]:
    """Yield the unbounded repeats that a sequence may begin with, without regard to anchors."""
    for node in sequence:
        if _is_unbounded(node):
            yield node
        elif node[0] in (sre.SUBPATTERN, sre.BRANCH, sre.ATOMIC_GROUP):
            for body in _bodies(node):
                yield from _next_repeats(body)
        elif node[0] in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield from _next_repeats(list(node[1][2]))
        if not _is_empty(node):
            return


def _set_of(sequence: list[Any], flags: int) -> frozenset[str]:
    """Return the characters that a sequence can contain."""
    characters: frozenset[str] = frozenset()
    for op, value in sequence:
        if op is sre.LITERAL:
            characters |= {_character(value), _character(value).swapcase()}
        elif op is sre.NOT_LITERAL:
            characters |= _CHARACTERS - {_character(value)}
        elif op is sre.ANY:
            characters |= _CHARACTERS if flags & re.DOTALL else _CHARACTERS - {"\n"}
        elif op is sre.IN:
            characters |= _class(value, flags)
        else:
            for body in _bodies((op, value)):
                characters |= _set_of(body, flags)
    return characters


def _class(items: list[Any], flags: int) -> frozenset[str]:
    negated = bool(items) and items[0][0] is sre.NEGATE
    characters: set[str] = set()
    for op, value in items:
        if op is sre.LITERAL:
            characters.add(_character(value))
        elif op is sre.RANGE:
            characters |= {c for c in _CHARACTERS if value[0] <= ord(c) <= value[1]}
        elif op is sre.CATEGORY:
            characters |= set(filter(_CATEGORIES[value].match, _CHARACTERS))
    return _CHARACTERS - characters if negated else frozenset(characters)


_CATEGORIES = {
    sre.CATEGORY_DIGIT: re.compile(r"\d"),
    sre.CATEGORY_NOT_DIGIT: re.compile(r"\D"),
    sre.CATEGORY_SPACE: re.compile(r"\s"),
    sre.CATEGORY_NOT_SPACE: re.compile(r"\S"),
    sre.CATEGORY_WORD: re.compile(r"\w"),
    sre.CATEGORY_NOT_WORD: re.compile(r"\W"),
}


def _character(code: int) -> str:
    return chr(code) if code < 256 else "\u4e2d"


def samples(pattern: Pattern) -> Iterator[str]:
    """Yield beginnings of texts that a pattern matches; repeated, they are what it takes longest to search.

    A beginning inside of a literal text is left out: only a repeat or an alternative makes a search go back.
    """
    tree = _parser.parse(pattern.text, pattern.flags)
    for alternative in _alternatives(list(tree)):
        text = ""
        for number, node in enumerate(alternative, start=1):
            text += _sample(node, tree.state.flags)
            if text and (node[0] is not sre.LITERAL or number == len(alternative)):
                yield text[:200]


def _alternatives(sequence: list[Any]) -> Iterator[list[Any]]:
    """Yield the sequences that result if the first group is replaced by each of its alternatives."""
    for number, node in enumerate(sequence):
        if node[0] is sre.BRANCH or (node[0] is sre.SUBPATTERN and len(sequence) == 1):
            for body in _bodies(node):
                for inner in _alternatives(body):
                    yield [*sequence[:number], *inner, *sequence[number + 1 :]]
            return
    yield sequence


def _sample(node: Any, flags: int) -> str:
    op, value = node
    if op in (sre.AT, sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF, sre.GROUPREF_EXISTS):
        return ""
    bodies = _bodies(node)
    if bodies:
        count = max(1, value[0]) if op in (sre.MAX_REPEAT, sre.MIN_REPEAT) else 1
        return "".join(_sample(inner, flags) for inner in bodies[0]) * min(count, 20)
    characters = _set_of([node], flags)
    preferred = chr(value) if op is sre.LITERAL else next((c for c in "a0 .-" if c in characters), "")
    return preferred or min(characters, default="")


if __name__ == "__main__":
    for each in all_patterns():
        for problem in problems(each):
            sys.stdout.write(f"{each.where} {'search' if each.is_searched else 'match'}: {problem}\n")
