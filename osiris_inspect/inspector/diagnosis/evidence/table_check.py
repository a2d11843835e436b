"""The response of a service to the check of a driver that a table exists.

The Supabase writer of the original reports every failed check as a missing table: refusals, faults of the service,
and requests that received no response. The text logs of the run may record which of these it was.
"""

from typing import Final, NamedTuple

from osiris_inspect.inspector.diagnosis.evidence.http_status import StatusMeaning, status_meaning
from osiris_inspect.inspector.run.run import LogLine, Run, StepState
from osiris_inspect.inspector.run.step_times import logged_time, step_at
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Evidence

NOT_FOUND: Final = 404
_NO_RESPONSE = LazyRegex(
    r"\b(?:Connect|Read|Write|Pool|Network|RemoteProtocol)(?:ion)?(?:Error|Timeout)\([^\n]{0,160}"
)
_CHECK_ADDRESS: Final = "check the address of the service, DNS and the network where the step ran; whether the table exists is unknown"
_KINDS: Final = (
    ("host-not-found", LazyRegex(r"(?i:name or service|name resolution|getaddrinfo|nodename|no address associated)")),
    ("tls-failed", LazyRegex(r"SSL|(?i:certificate)")),
    ("network-timeout", LazyRegex(r"(?i:timeout|timed out)")),
    ("connection-refused", LazyRegex(r"(?i:refused|unreachable|no route|all connection attempts failed)")),
    ("connection-lost", LazyRegex(r"ReadError|WriteError|RemoteProtocolError|(?i:reset|broken pipe|disconnected)")),
)  # fmt: skip


class TableCheck(NamedTuple):
    """The fact that contradicts a missing table.

    Attributes:
        subject: what happened, as the beginning of a headline: ``HTTP 406 Not Acceptable``.
        confirms: True if the table is missing.
    """

    subject: str
    meaning: StatusMeaning
    evidence: tuple[Evidence, ...]
    confirms: bool = False


def table_check(run: Run, step: StepState, table: str) -> TableCheck | None:
    """Return how the check of a table ended; None if the log does not record requests."""
    for response in run.http_responses:
        own = response.step in (None, step.id)
        if own and response.method == "GET" and response.path.rpartition("/")[2] == table:
            meaning = status_meaning(response.status)
            cited = Evidence(response.file, response.line, response.quote)
            confirms = response.status == NOT_FOUND
            return TableCheck(str(response), meaning, (cited,), confirms) if response.is_error else None
    for line in run.log_lines:
        match = _NO_RESPONSE.search(line.text)
        if match is not None and _is_of_step(line, step, run):
            rule = next((rule for rule, kind in _KINDS if kind.search(match[0])), "connection-failed")
            cited = Evidence(line.file, line.line, match[0])
            subject = match[0].rstrip(")") + ")" * match[0].count("(")
            return TableCheck(subject, _unanswered(rule), (cited,))
    # clients log a response at level INFO, and a request without a response not at all
    answered = any(response.step == step.id for response in run.http_responses)
    if run.has_info_lines and not answered:
        return TableCheck("", _unanswered("connection-failed"), ())
    return None


def _unanswered(rule: str) -> StatusMeaning:
    return StatusMeaning(rule, "infra", "the service did not respond", _CHECK_ADDRESS)


def _is_of_step(line: LogLine, step: StepState, run: Run) -> bool:
    return (step_at(logged_time(line.text), run.steps) or line.step or step.id) == step.id
