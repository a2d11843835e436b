"""A server did not respond in time.

What it finds:
    An error that says that an operation took too long: a timeout of the client, the server or a pool of connections.

Why it matters:
    The query may still be running on the server.

How to fix:
    Run again; read less data at once.

Example:
    `HTTPSConnectionPool(host='api.example.org', port=443): Read timed out. (read timeout=30)`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors", "text logs")
REFINES = ("connection-lost", "connection-refused", "connection-failed", "query-failed")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"QueuePool limit of size [^\n]{1,120}|(?i:connection pool (?:is )?(?:exhausted|full))"
            r"|\bPoolTimeout\b(?!: couldn't)[^\n]{0,80}"
        ),
        message="the connection pool of the client had no free connection in time",
        fix="close connections after use, use fewer at once, or enlarge the pool",
        domain="code",
    ),
    ErrorPattern(
        pattern=r"couldn't get a connection after [^\n]{1,40}",
        message="the connection pool had no connection in time: all were in use, or it could not open one",
        fix="look for an earlier connection error in the log; else close connections after use or enlarge the pool",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"\bquery_wait_timeout\b(?! ?=)",
        message="the query waited too long for a free connection of the pooler to the server",
        fix="end long transactions, run fewer queries at once, or enlarge the pool of the pooler",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"\b(?:Read|Connect|Write)Timeout(?:Error)?\b[^\n]{0,80}"
            r"|(?i:(?:read|write|connection|connect|operation|request|query|handshake|lookup) (?:operation )?timed out)(?!: ['\"]/)"
            r"|(?i:^(?:driver error: |execution failed: )?(?:TimeoutError: )?timed out\.?$)"
            r"|(?i:\bETIMEDOUT\b)"
            r"|\[Errno 110\] (?![^\n:]{1,60}: ['\"]/)[^\n]{1,60}"
            r"|(?i:(?:connection|connect|request|read) timeout)[^\n]{0,60}|(?i:(?<!or )timeout expired)"
            r"|(?:Lost connection to (?:MySQL |MariaDB )?server|server has gone away|Can't connect to (?:MySQL )?server)"
            r"[^\n]{0,120}(?i:timed out|timeout)"
            r"|\(timed out\)|Got timeout (?:reading|writing) communication packets"
        ),
        message="the server did not respond in time",
        fix="run again; if it fails again, check the address, the query and the server load",
        domain="infra",
        search_text_logs=True,
    ),
    ErrorPattern(
        pattern=r"(?i:due to statement timeout|statement timeout(?: (?:was|is))? (?:exceeded|reached|expired)|statement or warehouse timeout|due to transaction timeout|maximum statement execution time exceeded|max_statement_time exceeded)",
        message="the server cancelled the query at its time limit",
        fix="simplify the query, process less data at once, or raise the time limit of the server",
        domain="infra",
        error_class="statement timeout",
    ),
    ErrorPattern(
        pattern=r"^(?:\w{1,60}\.)?TimeoutError$",
        message="an operation timed out, and the error does not name it",
        fix="check the last line of the traceback for the operation",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses that a request took too long."""
    yield from status_findings(run, "network-timeout")
