"""A library or a service reported an error with one known cause.

What it finds:
    Errors of databases, services and Python packages whose code or words stand for one cause. Most findings have the
    id of that cause, such as `column-missing`.

Why it matters:
    The message of a library states what it noticed; the cause and the remedy stand in its documentation.

How to fix:
    Follow the remedy of the finding.

Example:
    `ORA-00942: table or view does not exist`
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, error_texts, log_text
from osiris_inspect.inspector.diagnosis.evidence.library_errors.databases import DATABASES
from osiris_inspect.inspector.diagnosis.evidence.library_errors.known_error import Library
from osiris_inspect.inspector.diagnosis.evidence.library_errors.packages import PACKAGES
from osiris_inspect.inspector.diagnosis.evidence.library_errors.services import SERVICES
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Domain

SEARCHES = ("errors",)
_DOMAINS: Mapping[str, Domain] = {
    **dict.fromkeys(("constraint-violated", "file-format-wrong", "frame-refused"), "data"),
    **dict.fromkeys(
        ("join-refused", "value-not-convertible", "value-not-serialisable", "value-refused"), "data"
    ),
    **dict.fromkeys(("connection-lost", "connection-refused", "disk-full", "lock-conflict"), "infra"),
    **dict.fromkeys(
        ("network-timeout", "out-of-memory", "rate-limited", "service-failed", "library-error"), "infra"
    ),
    **dict.fromkeys(("dependency-missing", "package-incompatible", "tls-failed"), "infra"),
}
"""Rule to the domain of its findings; the others concern the configuration."""


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find the errors of the tables; of two on one error the first is kept."""
    texts = [*error_texts(run), *(log_text(line) for line, _ in run.truncated_errors)]
    seen: set[tuple[str, int]] = set()
    for library in (*DATABASES, *SERVICES, *PACKAGES):
        if not any(_is_of(library, text) for text in texts):
            continue
        for rule, pattern in _patterns(library):
            for finding in pattern.find_all(run):
                place = (finding.evidence[0].file, finding.evidence[0].line)
                if place not in seen:
                    seen.add(place)
                    yield replace(finding, rule=rule)


@cache
def _patterns(library: Library) -> tuple[tuple[str, ErrorPattern], ...]:
    """Return the pattern of each error of a library, with the rule that it belongs to."""

    def is_of_other(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
        return not _is_of(library, text)

    return tuple(
        (
            error.rule,
            ErrorPattern(
                pattern=library.pattern(error),
                message=error.message,
                fix=error.fix,
                domain=error.domain or _DOMAINS.get(error.rule, "config"),
                confidence=error.confidence,
                unless=is_of_other,
            ),
        )
        for error in library.errors
    )


def _is_of(library: Library, text: ErrorText) -> bool:
    """Return True if an error, its class, its causes or its traceback have the mark of a library."""
    parts = (text.searchable, text.error_type, text.traceback, *text.causes)
    return any(library.regex.search(part) for part in parts)
