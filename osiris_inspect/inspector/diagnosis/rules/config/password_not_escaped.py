"""A part of a password was interpreted as a host name.

What it finds:
    A connection to a different host than the configured one.

Why it matters:
    If host, user and password are combined into a URL, an unescaped `@`, `:`, `/` or `%` in the password ends
    it early and the rest becomes the host. The error then names a server that does not exist, and exposes a
    part of the password.

How to fix:
    URL-escape the password or choose one without these characters. Rotate it, because the log contains a part
    of it.

Example:
    `Can't connect to MySQL server on 'rest-of-it@127.0.0.1'` while the connection has `host: 127.0.0.1`
"""

from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors, matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Severity

SEARCHES = ("errors", "text logs")
EXPLAINS = ("network", "connection-unresolved")
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "config",
    "URL-escape the password or choose one without '@', ':', '/' and '%', and rotate it",
)
_TRIED = LazyRegex(
    r"(?:Can't connect to (?:MySQL )?server on|could not translate host name|connection to server at) "
    r"['\"](?P<host>[^'\"\n]{1,200})['\"]"
)
_NO_REASON = LazyRegex(r"connection failed(?: for step [^\s:]{1,100})?\s*(?:$|\n)")
_CONFIGURED = LazyRegex(
    r"connection for step (?P<step>[^\s:]{1,200}): [^\n@]{0,200}@(?P<host>[\w.\-]{1,200}):\d"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find connections to an unexpected host, and failed ones whose password breaks a URL."""
    configured = _configured_hosts(run)
    for error, match in (*matching_errors(run, _TRIED), *matching_log_lines(run, _TRIED)):
        step = run.step(error.step or "")
        host, *host_evidence = configured.get(error.step or "", (None,))
        differs = "@" in match["host"] or host not in (None, match["host"])
        if differs and step is not None and step.status == "failed":
            yield TEMPLATE.finding(
                "the driver tried to connect to a different server than the configured one"
                + (f", {host!r}" if host else "")
                + ": a character of the password ended the user part of the URL early",
                error.evidence(match[0].partition(" on ")[0]),
                *host_evidence,
                step=step.id,
            )
    for error, match in matching_errors(run, _NO_REASON):
        secrets = [item for item in run.exposed_secrets if item.step == error.step and item.breaks_url]
        if error.step is not None and secrets and "password" in secrets[0].key.lower():
            yield TEMPLATE.finding(
                "the connection failed without a reason; its password contains a character that must be escaped "
                "in a URL",
                error.evidence(match[0]),
                Evidence(secrets[0].file, 0, f'"{secrets[0].key}"'),
                step=error.step,
                confidence=Confidence.MEDIUM,
            )


def _configured_hosts(run: Run) -> dict[str, Any]:
    """Map each step to the host of its connection, followed by the evidence if a log line names it."""
    hosts: dict[str, Any] = {}
    for step in run.steps:
        connection = step.config.get("resolved_connection")
        if isinstance(connection, dict) and isinstance(connection.get("host"), str):
            hosts[step.id] = (connection["host"],)
    for line, match in matching_log_lines(run, _CONFIGURED):
        hosts[match["step"]] = match["host"], line.evidence(match[0])
    return hosts
