"""A target table could not be created.

What it finds:
    A writer that failed to create its table.

Why it matters:
    Nothing was written.

How to fix:
    Create the table, or configure the SQL channel of the connection.

Example:
    `Table creation failed: psycopg2 channel not configured`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.evidence.table_check import table_check
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence, Finding, Severity

SEARCHES = ("errors",)
REFINES = ("write-failed",)
IS_GENERAL = True
_BY_HAND = "create the table manually from ddl_plan.sql"


def _fix(run: Run, text: ErrorText, _match: re.Match[str]) -> str:
    """Return a remedy that does not ask for a channel that was tried."""
    tried = sorted(
        {str(event.fields.get("channel")) for event in run.events_named("ddl_attempt", step=text.step)}
    )
    if tried:
        return f"{_BY_HAND}; channel {', '.join(tried)} was tried and failed, see its error before this one"
    if "not configured" in text.text:
        return f"{_BY_HAND} or configure a SQL channel for the connection (pg_dsn or sql_url)"
    return f"{_BY_HAND} or correct what the message names"


PATTERNS = (
    ErrorPattern(
        pattern=r"Table creation failed: (?P<what>[^\n]{1,160})",
        message="the target table was missing and could not be created",
        fix=_fix,
        domain="config",
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also the response that made the driver create a table that may exist."""
    for text, match in matching_errors(run, PATTERNS[0].regex):
        step = run.step(text.step or "")
        table = step.config.get("table") if step is not None else None
        checked = table_check(run, step, table) if step is not None and isinstance(table, str) else None
        if checked is not None and checked.subject and not checked.confirms:
            yield Finding(
                rule=checked.meaning.rule,
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                domain=checked.meaning.domain,
                message=f"{checked.subject}{SEPARATOR}{checked.meaning.explanation} when the driver checked table {table!r}, "
                "which it then tried to create",
                evidence=(*checked.evidence, text.evidence(match[0])),
                step=text.step,
                stage=text.stage,
                fix=checked.meaning.fix,
            )
