"""Results of the checks of a step, as the event ``check_result`` carries them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

CheckKind = Literal["rows", "not_null", "unique", "in", "min", "max", "regex", "sql"]
"""``in``, ``min``, ``max`` and ``regex`` are the constraints of ``values``."""
CHECK_KINDS: Final[tuple[CheckKind, ...]] = ("rows", "not_null", "unique", "in", "min", "max", "regex", "sql")
_MAX_SHOWN: Final = 60
"""Characters of an expected value that a description shows."""
_MAX_OUTCOMES: Final = 5
"""Checks of a step that a description shows."""


class CheckResult(NamedTuple):
    """Result of one check.

    Attributes:
        columns: the checked column, or the columns of a key; empty for ``rows`` and ``sql``.
        expected: what the check requires: the limits of ``rows``, the value of a constraint, the text of a query.
        rows: rows of the checked frame.
        failed_rows: rows that do not meet the check; None for ``rows``.
        passed: True if the frame meets the check.
        on_failure: effect of a check that is not met: the step fails, or the run goes on with a warning.
    """

    check: CheckKind
    columns: tuple[str, ...]
    expected: Any
    rows: int
    failed_rows: int | None
    passed: bool
    on_failure: Literal["fail", "warn"] = "fail"

    def to_fields(self) -> dict[str, Any]:
        """Return the fields of the event."""
        return {
            "check": self.check,
            "column": ", ".join(self.columns) or None,
            "columns": list(self.columns),
            "expected": self.expected,
            "rows": self.rows,
            "failed_rows": self.failed_rows,
            "status": "passed" if self.passed else "failed",
            "on_failure": self.on_failure,
        }

    @property
    def requirement(self) -> str:
        """Name, columns and expected value of the check, such as ``not_null 'id'`` or ``min 'age' 0``."""
        expected = "" if self.expected is None else _short(self.expected)
        return " ".join(filter(None, (self.check, self._names, expected)))

    @property
    def _names(self) -> str:
        return ", ".join(map(_short, self.columns))

    @property
    def outcome(self) -> str:
        """Outcome in past tense: ``3 of 100 rows had no value in 'id'``."""
        if self.check == "rows":
            return f"the frame had {_count(self.rows)}, expected {_limits(self.expected)}"
        name = self._names
        failed = self.failed_rows or 0
        if self.check == "sql":
            return f"the query {_short(self.expected)} returned {_count(failed)}"
        texts: Mapping[str, str] = {
            "not_null": f"had no value in {name}",
            "unique": f"had the same {name} as another row",
            "in": f"had a value in {name} that is not one of {_short(self.expected)}",
            "min": f"had a value in {name} below {_short(self.expected)}",
            "max": f"had a value in {name} above {_short(self.expected)}",
            "regex": f"had a value in {name} that does not match {_short(self.expected)}",
        }
        return f"{failed:,} of {_count(self.rows)} {texts[self.check]}"


def parse_check_result(fields: Mapping[str, Any]) -> CheckResult | None:
    """Return the result in the fields of an event; None if they are not a result that this version knows."""
    check, columns, rows, failed = (fields.get(key) for key in ("check", "columns", "rows", "failed_rows"))
    status = fields.get("status")
    if check not in CHECK_KINDS or type(rows) is not int or status not in ("passed", "failed"):
        return None
    return CheckResult(
        check=check,
        columns=tuple(map(str, columns)) if isinstance(columns, list) else (),
        expected=fields.get("expected"),
        rows=rows,
        failed_rows=failed if type(failed) is int else None,
        passed=status == "passed",
        on_failure="warn" if fields.get("on_failure") == "warn" else "fail",
    )


def describe_failures(results: Sequence[CheckResult]) -> str:
    """Return the checks that are not met: ``failed 2 of 5 checks: …; …``."""
    failed = [result for result in results if not result.passed]
    checks = "1 check" if len(results) == 1 else f"{len(results)} checks"
    outcomes = [result.outcome for result in failed[:_MAX_OUTCOMES]]
    more = [f"{len(failed) - _MAX_OUTCOMES} more"] if len(failed) > _MAX_OUTCOMES else []
    return f"failed {len(failed)} of {checks}: {'; '.join(outcomes + more)}"


def _count(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def _limits(expected: Any) -> str:
    limits = expected if isinstance(expected, Mapping) else {}
    known = {key: limits[key] for key in ("min", "max") if type(limits.get(key)) is int}
    words = {"min": "at least", "max": "at most"}
    return " and ".join(f"{words[key]} {limit:,}" for key, limit in known.items()) or "another number"


def _short(value: Any) -> str:
    """Return a value on one line, shortened."""
    text = " ".join((value if isinstance(value, str) else repr(value)).split())
    text = repr(text) if isinstance(value, str) else text
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
