"""A server was found but did not accept the connection.

What it finds:
    An error in which a connection to a server was refused.

Why it matters:
    The step cannot read or write; the pipeline itself may be correct.

How to fix:
    Check host and port of the connection from where the step ran: a sandbox cannot reach the localhost of the
    host.

Example:
    `(2003, "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)")`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.http_status import status_findings
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run

REFINES = ("connection-failed",)
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:too many (?:connections|clients))[^\n]{0,60}|exceeded the '[^'\n]{1,60}' resource[^\n]{0,60}"
            r"|remaining connection slots are reserved[^\n]{0,80}"
            r"|(?i:max client connections reached|MaxClientsInSessionMode)[^\n]{0,80}"
        ),
        message="the server had no free connections",
        fix="close idle connections or raise the connection limit of the server",
        domain="infra",
        search_text_logs=True,
        error_class="too many connections",
    ),
    ErrorPattern(
        pattern=r"the database system is (?:starting up|shutting down|in recovery mode)[^\n]{0,60}",
        message="the server was starting or shutting down",
        fix="run again when the server is up",
        domain="infra",
        search_text_logs=True,
        error_class="starting",
    ),
    ErrorPattern(
        pattern=(
            r"no pg_hba\.conf entry for [^\n]{1,160}"
            r"|Host '[^'\n]{1,120}' is not allowed to connect[^\n]{0,120}"
        ),
        message="the server did not allow this client",
        fix="allow the step's address on the server; connect with TLS if the message says no encryption",
        domain="config",
        search_text_logs=True,
        error_class="client not allowed",
    ),
    ErrorPattern(
        pattern=r"Host '[^'\n]{1,120}' is blocked because of[^\n]{0,120}",
        message="the server blocked this client after too many failed connections",
        fix="unblock the client on the server (FLUSH HOSTS) after fixing the failing connections",
        domain="config",
        search_text_logs=True,
        error_class="client blocked",
    ),
    ErrorPattern(
        pattern=r"\bProxyError\b[^\n]{0,160}|Tunnel connection failed: [^\n]{1,80}|(?i:unable to connect to proxy)[^\n]{0,80}",
        message="the proxy rejected the connection",
        fix="check HTTPS_PROXY and NO_PROXY where the step runs; status 407 means that the proxy requires a login",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"Can't connect to (?:local )?(?:MySQL )?server[^\n]{0,120}"
            r"|(?i:connection refused)"
            r"|\bConnectionRefusedError\b[^\n]{0,120}"
            r"|\[Errno 111\][^\n]{0,100}"
            r"|connection to server on socket \"[^\"\n]{1,200}\" failed[^\n]{0,80}"
            r"|could not connect to server[^\n]{0,80}"
            r"|ConnectError[^\n]{0,120}"
            r"|All connection attempts failed"
            r"|\bConnection(?:Error\b| (?:failed|error): )(?!(?:\(?['\"]?Connection (?:aborted|broken)))[^\n]{1,120}"
            r"|\bconnect failed \(addresses tried: [^\n]{1,120}"
            r"|Network is unreachable|No route to host"
        ),
        message="the server did not accept the connection",
        fix="check host, port, firewall and whether the server is running",
        domain="infra",
        search_text_logs=True,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses with a status of this kind."""
    yield from status_findings(run, "connection-refused")
