"""A server could be found and did not answer.

What it finds:
    An error in which a connection to a server was refused.

Why it matters:
    The step cannot read or write anything; the pipeline itself may be right.

How to fix:
    Check host and port of the connection from the place where the step ran: a sandbox does not see your
    localhost.

Example:
    `(2003, "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)")`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.evidence.pattern import Pattern
from osiris_inspect.inspector.evidence.signature import Signature
from osiris_inspect.inspector.lineage import Lineage
from osiris_inspect.inspector.run import Run
from osiris_inspect.model.finding import Finding

NEEDS: Final = ("events",)
RANK: Final = 41

SIGNATURE: Final = Signature(
    rule="connection-refused",
    pattern=Pattern(
        r"Can't connect to (?:MySQL|local) server[^\n]{0,120}"
        r"|(?i:connection refused)"
        r"|could not connect to server[^\n]{0,80}"
        r"|ConnectError[^\n]{0,120}"
        r"|All connection attempts failed"
        r"|\bConnection(?:Error\b| (?:failed|error): )[^\n]{1,120}"
        r"|\bconnect failed \(addresses tried: [^\n]{1,120}"
        r"|Network is unreachable|No route to host"
        r"|(?i:connection (?:reset|aborted|closed) by|server disconnected without)[^\n]{0,80}"
        r"|(?i:too many (?:connections|clients))[^\n]{0,60}"
    ),
    message="the server did not accept a connection",
    fix="check host, port and firewall, and that the server runs",
    domain="infra",
    in_logs=True,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so."""
    return SIGNATURE.findings(run)
