"""A query names a table that does not exist.

What it finds:
    An error in which a database does not know a table. The Supabase writer of the original reports this also if the
    service was unreachable or rejected the key; then the finding has the id of that cause.

Why it matters:
    The query cannot run; the name is often misspelt or the database is the wrong one.

How to fix:
    Correct the query or the target. If the log does not record the response of the service, check its status first.

Example:
    `(1146, "Table 'movies_db.moviez' doesn't exist")`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.evidence.table_check import TableCheck, table_check
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding, Severity

SEARCHES = ("errors",)
REFINES = ("query-failed",)
_CREATE = "; correct its name, create it, or set create_if_missing"


_QUALIFIED = r"[^\n]{{0,80}}Did you mean \"[^\"\n]{{1,160}}\.{name}\""


def _fix(run: Run, text: ErrorText, match: re.Match[str]) -> str:
    name = match.groupdict().get("t3")
    if name and "." not in name and re.search(_QUALIFIED.format(name=re.escape(name)), text.text):
        return "name the database and the schema of the table in the query"
    step = run.step(text.step or "")
    if step is not None and step.driver == "duckdb.processor" and step.inputs:
        names = ", ".join(dict.fromkeys(entry.name for entry in step.inputs))
        return f"correct the table name in the query; the inputs of the step are {names}"
    return "correct the table name or create the table"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Table '(?P<t1>[^'\n]{1,120})' (?:doesn't|does not) exist"
            r"|relation \"(?P<t2>[^\"\n]{1,120})\" does not exist"
            r"|Catalog Error: Table with name (?!\"?(?:input_df|df|df_\w+)\"? does)(?P<t3>[^\n]{1,120}?) does not exist"
            r"|no such table: (?P<t6>[\w.]{1,120})"
            r"|Unknown table '(?P<t7>[^'\n]{1,120})'(?! in (?:field list|\w{1,20} clause))"
        ),
        message="table {name} was not found",
        fix=_fix,
        domain="config",
        error_class="no table",
    ),
    ErrorPattern(
        pattern=r"Could not find the table '(?P<t1>[^'\n]{1,120})'",
        message="table {name} was missing, or the service had not noticed it yet",
        fix="correct the table name or create the table; if it exists, run NOTIFY pgrst, 'reload schema' in the database",
        domain="config",
        confidence=Confidence.MEDIUM,
        error_class="no table in cache",
    ),
)
_REPORTED = LazyRegex(r"\bTable (?P<table>\S{1,120}) does not exist and create_if_missing is false")
_TEMPLATE = FindingTemplate(
    Severity.ERROR, "config", "correct the table name, create the table, or set create_if_missing"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also a table that a driver reports as missing after any failed check."""
    for text, match in matching_errors(run, _REPORTED):
        step = run.step(text.step or "")
        checked = table_check(run, step, match["table"]) if step is not None else None
        yield _reported(text, match, checked)


def _reported(text: ErrorText, match: re.Match[str], checked: TableCheck | None) -> Finding:
    """Return the finding for a table that a driver reports as missing."""
    name, said = match["table"], text.headline(match[0])
    cited = text.evidence(match[0])
    if checked is not None and checked.confirms:
        message = f"{said}{SEPARATOR}{checked.subject}: the service did not find table {name!r}"
        return _TEMPLATE.finding(message, cited, *checked.evidence, step=text.step, stage=text.stage)
    if checked is None:
        return _TEMPLATE.finding(
            f"{said}{SEPARATOR}the driver reports this for any failed check: the table is missing, "
            "or the service was not reachable or refused the request",
            cited,
            step=text.step,
            stage=text.stage,
            confidence=Confidence.MEDIUM,
            fix="check address and key of the connection; if they are right, create the table or set create_if_missing",
        )
    if not checked.subject:
        message = (
            f"{said}{SEPARATOR}the log records no response to the driver's check of table {name!r}: "
            "the service was probably not reachable, and the table may exist"
        )
    else:
        message = (
            f"{checked.subject}{SEPARATOR}{checked.meaning.explanation} when the driver checked table {name!r}, "
            "which the driver reports as a missing table"
        )
    return Finding(
        rule=checked.meaning.rule,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH if checked.subject else Confidence.MEDIUM,
        domain=checked.meaning.domain,
        message=message,
        evidence=(*checked.evidence, cited),
        step=text.step,
        stage=text.stage,
        fix=checked.meaning.fix,
    )
