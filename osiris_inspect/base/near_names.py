"""Suggestions for misspelled names."""

from collections.abc import Iterable


def near_names(name: str, known: Iterable[str], *, limit: int = 1, similarity: float = 0.6) -> list[str]:
    """Return at most ``limit`` of the known names that are spelled like ``name``, the nearest first; never ``name`` itself.

    A name that differs only in case is the nearest.
    """
    from difflib import get_close_matches  # not loaded by programs that find no mistake

    names = [other for other in known if other != name]
    same = [other for other in names if other.casefold() == name.casefold()]
    near = get_close_matches(name, names, n=limit, cutoff=similarity)
    return list(dict.fromkeys([*same, *near]))[:limit]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` with the nearest known name; empty if none is near."""
    near = near_names(name, known)
    return f"; did you mean {near[0]!r}?" if near else ""


def suggestion(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return ``did you mean 'x'?`` with the nearest known name; ``otherwise`` if none is near."""
    return did_you_mean(name, known).removeprefix("; ") or otherwise
