"""Chain of exceptions that led to an error, as logged or as printed in a traceback."""

import re
from collections.abc import Mapping
from typing import Any, Final

from osiris_inspect.inspector.text.lazy_regex import LazyRegex

_MAX_CAUSES: Final = 8
_MAX_TRACEBACK: Final = 65536
_CAUSE = "\n\nThe above exception was the direct cause of the following exception:\n\n"
_HANDLED = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
"""Precedes an exception that was raised while another one was handled, which need not be its cause."""
_RAISED = LazyRegex(r"^[A-Za-z_][\w.]{0,200}(?::[^\n]{0,4000})?$", re.MULTILINE)
"""The line of a traceback that states the exception; frames and source lines are indented."""
_REPLACED = LazyRegex(
    r"^ {4,8}raise [^\n]{1,1000}\n(?: {4,8}[\^~ ]{1,1000}\n)?[A-Za-z_][\w.]{0,200}(?:: (?:(?!\d)[\w ,.!-]){0,100})?\n?\Z",
    re.MULTILINE,
)
"""The end of a traceback whose exception a ``raise`` put in place of the handled one, without a detail of its own."""


def error_causes(logged: Any, traceback: str) -> tuple[str, ...]:
    """Return the causes of an error, the next one first; from the traceback if they are not logged."""
    if isinstance(logged, list):
        causes = [item for item in logged if isinstance(item, Mapping) and item.get("message")]
        return tuple(map(_cause, causes[:_MAX_CAUSES]))
    handled, _, last = traceback[-_MAX_TRACEBACK:].rpartition(_HANDLED)
    parts = last.split(_CAUSE)
    if handled and _REPLACED.search(parts[0]):
        parts = [*handled.rpartition(_HANDLED)[2].split(_CAUSE), *parts]
    raised = [[line[0] for line in _RAISED.finditer(part)] for part in reversed(parts[:-1])]
    return tuple(lines[-1] for lines in raised if lines)[:_MAX_CAUSES]


def _cause(item: Mapping[str, Any]) -> str:
    name, message = str(item.get("type") or "Exception"), str(item["message"])
    return name if message == name else f"{name}: {message}"
