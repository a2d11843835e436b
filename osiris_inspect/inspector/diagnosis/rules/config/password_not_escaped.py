"""A part of a password was taken for the name of a server.

What it finds:
    A connection that went to another host than the one configured.

Why it matters:
    Where host, user and password are put together into a URL, an `@`, `:`, `/` or `%` of the password ends it early:
    what follows becomes the host. The error then speaks of a server that does not exist, and tells a part of the
    password.

How to fix:
    Escape the password where the URL is made, or choose one without these characters. Treat it as told: rotate it.

Example:
    `Can't connect to MySQL server on 'rest-of-it@127.0.0.1'` while the connection says `host: 127.0.0.1`
"""

from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors, matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Severity

RANK = 37
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "config",
    "escape the password where the URL is made, or choose one without '@', ':', '/', '%'; rotate it",
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
    """Find connections to another host than the configured one, and failed ones whose password breaks a URL."""
    configured = _configured_hosts(run)
    for error, match in (*matching_errors(run, _TRIED), *matching_log_lines(run, _TRIED)):
        step = run.step(error.step or "")
        host, *host_evidence = configured.get(error.step or "", (None,))
        differs = "@" in match["host"] or host not in (None, match["host"])
        if differs and step is not None and step.status == "failed":
            yield TEMPLATE.finding(
                "the driver looked for another server than the configured one"
                + (f", the connection says {host!r}" if host else "")
                + ": a character of the password ended it early",
                error.evidence(match[0].partition(" on ")[0]),
                *host_evidence,
                step=step.id,
            )
    for error, match in matching_errors(run, _NO_REASON):
        secrets = [item for item in run.exposed_secrets if item.step == error.step and item.breaks_url]
        if error.step is not None and secrets and "password" in secrets[0].key.lower():
            yield TEMPLATE.finding(
                "the connection failed without a reason, and its password has a character that ends it early "
                "where it is put into a URL as it is",
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
