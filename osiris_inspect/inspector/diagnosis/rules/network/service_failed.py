"""A service reported an internal error.

What it finds:
    A response of a web service with a status of 500 or more.

Why it matters:
    The fault is in the service. Earlier requests may have been processed.

How to fix:
    Run again later; check the status page of the service.

Example:
    `503 Server Error: Service Unavailable for url: ...`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.http_status import states_status, status_findings
from osiris_inspect.inspector.diagnosis.evidence.library_errors.docker import docker_fix
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors",)
REFINES = ("write-failed", "request-refused")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?i:\bservice (?:temporarily )?unavailable\b|\bbad gateway\b|\binternal server error\b|\bgateway time-?out\b)"
            r"(?! (?!and|at|by|error|for|from|in|on|or|response|to|when|while|with)\w)"
            r"|(?i:an invalid response was received from the upstream server)"
            r"|\bServiceBusyException\b[^\n]{0,80}"
            r"|(?i:web server is down)|(?i:upstream connect error)[^\n]{0,80}|(?i:no healthy upstream)"
        ),
        message="the service reported an internal error",
        fix="run again later; some work may have been done",
        domain="infra",
        unless=states_status,
    ),
    ErrorPattern(
        pattern=(
            r"(?i:\b(?:project|database|cluster|instance|compute)(?: ['\"]?[\w.\-]{1,60}['\"]?)? (?:is|was|has been) (?:currently |automatically )?"
            r"(?:paused|suspended|hibernated)\b|\bproject[_ ]paused\b|\bpaused projects?\b)[^\n]{0,80}"
        ),
        message="the project or its database was paused",
        fix="restore the project in the dashboard of the service, then run again",
        domain="config",
    ),
    ErrorPattern(
        pattern=r"\bError response from daemon: [^\n]{1,200}",
        message="the Docker daemon reported an error",
        fix=lambda _run, text, _match: docker_fix(text.text) or "",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?i:HTTP response body)[^\n]{0,400}?\bdial (?:tcp|udp) [^\n]{1,160}",
        message="the service did not reach a server that it depends on itself",
        fix="run again later, and look at the status page of the service; the key and the network of the step are not the cause",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"Could not (?:query the database for the schema cache|connect with the database)[^\n]{0,60}",
        message="the service had no connection to its database",
        fix="run again later; check that the database of the project runs and is not overloaded",
        domain="infra",
        error_class="service without database",
    ),
    ErrorPattern(
        pattern=r"Expecting value: line 1 column 1 \(char 0\)|JSON could not be generated(?![^\n]{0,80}['\"]code['\"]: ?['\"]?[45]\d\d)",
        message="the text that should be JSON was empty or something else",
        fix="look at the response or the file: it is often empty, or an HTML page of a proxy or a login",
        domain="infra",
        confidence=Confidence.MEDIUM,
    ),
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find also responses with a status of this kind."""
    yield from status_findings(run, "service-failed")
