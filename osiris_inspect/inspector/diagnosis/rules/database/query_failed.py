"""A database refused a query for another reason than its syntax or its names.

What it finds:
    An error that the database raised while it ran a query.

Why it matters:
    The step gave no frame, so everything downstream has no input.

How to fix:
    The message names the value or the function; correct the query or the data.

Example:
    `Conversion Error: Could not convert string 'n/a' to INT32`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Domain, Finding

NEEDS: Final = ("failures",)
RANK: Final = 65

_HINT: Final = LazyRegex(
    r"(?:Candidate (?:bindings|tables|functions)|Did you mean)[: ]+(?P<hint>[^\s:?][^\n?]{0,159})"
)


def _signature(message: str, fix: str, pattern: LazyRegex, domain: Domain = "config") -> ErrorPattern:
    return ErrorPattern(
        rule="query-failed",
        pattern=pattern,
        message=message,
        fix=fix,
        domain=domain,
        suggestion_pattern=_HINT,
    )


SIGNATURES: Final = (
    _signature(
        "a value does not convert to the type the query wants",
        "correct the value at its source, or use TRY_CAST, which gives NULL in its place",
        LazyRegex(
            r"Conversion Error: [^\n]{1,160}|Could not parse string [^\n]{1,160} according to format[^\n]{0,60}|Mismatch Type Error: [^\n]{1,160}"
        ),
        "data",
    ),
    _signature(
        "a result is too large for its type",
        "cast to a wider type before the calculation, to BIGINT or DECIMAL",
        LazyRegex(r"Out of Range Error: [^\n]{1,160}"),
        "data",
    ),
    _signature(
        "a column name stands for more than one column",
        "write the name of the table before the column",
        LazyRegex(
            r"Binder Error: Ambiguous reference[^\n]{1,160}"
            r"|Column '[^'\n]{1,80}' in [^\n]{1,40} is ambiguous|column reference \"[^\"\n]{1,80}\" is ambiguous",
            error_class="ambiguous",
        ),
    ),
    _signature(
        "a column is neither grouped nor aggregated",
        "add the column to GROUP BY, or aggregate it, as with any_value",
        LazyRegex(
            r"must appear in the GROUP BY clause[^\n]{0,120}|not in GROUP BY clause[^\n]{0,120}"
            r"|isn't in GROUP BY|In aggregated query without GROUP BY[^\n]{0,120}",
            error_class="grouping",
        ),
    ),
    _signature(
        "a name is given twice",
        "give each column and each table of the query a name of its own",
        LazyRegex(
            r"has duplicate column name[^\n]{0,100}|Duplicate column name '[^'\n]{1,80}'"
            r"|Duplicate alias \"[^\n]{1,100}|Not unique table/alias: [^\n]{1,80}",
            error_class="name twice",
        ),
    ),
    _signature(
        "the query calls a function that is not there, or not for these types",
        "correct the name of the function, or cast its arguments to the types it takes",
        LazyRegex(
            r"Catalog Error: [\w ]{1,30} Function with name [^\n]{1,120}"
            r"|No function matches the given name and argument types[^\n]{0,120}"
            r"|FUNCTION [\w.]{1,120} does not exist|function [^\n]{1,120}\([^\n]{0,120}\) does not exist"
            r"|Could not find the function [^\n]{1,120}",
            error_class="no function",
        ),
    ),
    _signature(
        "the types of a column and of its value differ",
        "cast the value to the type of the column",
        LazyRegex(
            r"column \"[^\"\n]{1,80}\" is of type [^\n]{1,80} but expression is of type [^\n]{1,60}",
            error_class="type",
        ),
    ),
    _signature(
        "a view of the database is broken, or may not be used",
        "ask for the tables and columns the view is made of, and for the rights of its definer",
        LazyRegex(r"View '[^'\n]{1,120}' references invalid [^\n]{1,160}", error_class="broken view"),
    ),
    _signature(
        "the query was ended from outside",
        "see who ended it: an administrator, a limit of time, a server that shut down; then repeat",
        LazyRegex(
            r"Query execution was interrupted(?!, maximum)[^\n]{0,60}"
            r"|canceling statement due to (?:user request|conflict with recovery)[^\n]{0,60}"
            r"|(?:INTERRUPT|Interrupt) Error: [^\n]{1,100}",
            error_class="interrupted",
        ),
        "infra",
    ),
    _signature(
        "an earlier statement of the transaction had failed",
        "look for the first error before this one",
        LazyRegex(r"current transaction is aborted[^\n]{0,100}", error_class="failed transaction"),
    ),
    _signature(
        "the service refused the query",
        "correct the query: the message names the field or the argument",
        LazyRegex(
            r"GraphQL errors: (?![^\n]{0,400}(?:UNAUTHENTICATED|FORBIDDEN|must be authenticated))[^\n]{1,160}"
        ),
    ),
    _signature(
        "the database refused the query",
        "correct the query or the data: the message names what it stumbled over",
        LazyRegex(
            r"Binder Error: (?!Ambiguous|No function|[^\n]{0,120}(?:GROUP BY clause|duplicate column name))[^\n]{1,160}"
            r"|Constraint Error: [^\n]{1,160}"
            r"|Invalid Input Error: (?!Could not parse|Python Object|Need a DataFrame)[^\n]{1,160}"
            r"|Catalog Error: (?!Table with name|[\w ]{1,30} Function with name)[^\n]{1,160}"
            r"|(?:Not implemented|Type|Dependency|Permission|Sequence|TransactionContext|Transaction) Error: [^\n]{1,160}"
            r"|\(pymysql\.err\.\w+\) \((?:1|[3-9])\d{3}, [^\n]{1,160}"
        ),
        "data",
    ),
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    for signature in SIGNATURES:
        yield from signature.find_all(run)
