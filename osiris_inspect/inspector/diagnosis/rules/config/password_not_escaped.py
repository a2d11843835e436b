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

import re
from collections.abc import Iterator

from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Finding, Severity

NEEDS = ("failures",)
RANK = 37

_TRIED = LazyRegex(
    r"(?:Can't connect to (?:MySQL )?server on|could not translate host name|connection to server at) "
    r"['\"](?P<host>[^'\"\n]{1,200})['\"]"
)
_NO_REASON = LazyRegex(r"connection failed(?: for step [^\s:]{1,100})?\s*(?:$|\n)")
_FIX = "escape the password where the URL is made, or choose one without '@', ':', '/', '%'; rotate it"
_MEANT = LazyRegex(r"connection for step (?P<step>[^\s:]{1,200}): [^\n@]{0,200}@(?P<host>[\w.\-]{1,200}):\d")


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Connections whose host is not the configured one."""
    meant = _meant(run)
    for told, match in (*matching_errors(run, _TRIED), *matching_log_lines(run, _TRIED)):
        wanted = meant.get(told.step or "")
        strayed = "@" in match["host"] or (wanted is not None and wanted[0] != match["host"])
        if strayed and (step := run.step(told.step or "")) is not None and step.status == "failed":
            yield _finding(told, match, wanted)
    yield from _likely(run)


def _likely(run: Run) -> Iterator[Finding]:
    """Connections that failed without a reason, whose password has such a character."""
    for told, match in matching_errors(run, _NO_REASON):
        exposed = next(
            (item for item in run.exposed_secrets if item.step == told.step and item.breaks_url), None
        )
        if told.step is not None and exposed is not None and "password" in exposed.key.lower():
            yield Finding(
                rule="password-not-escaped",
                severity=Severity.ERROR,
                confidence=Confidence.MEDIUM,
                domain="config",
                message="the connection failed without a reason, and its password has a character that ends it early "
                "where it is put into a URL as it is",
                evidence=(told.evidence(match[0]), Evidence(exposed.file, 0, f'"{exposed.key}"')),
                step=told.step,
                fix=_FIX,
            )


def _meant(run: Run) -> dict[str, tuple[str, Evidence | None]]:
    """The host of each step's connection, and where the log tells it."""
    hosts: dict[str, tuple[str, Evidence | None]] = {}
    for step in run.steps:
        connection = step.config.get("resolved_connection")
        if isinstance(connection, dict) and isinstance(connection.get("host"), str):
            hosts[step.id] = connection["host"], None
    for told, match in matching_log_lines(run, _MEANT):
        hosts[match["step"]] = match["host"], told.evidence(match[0])
    return hosts


def _finding(told: ErrorText, match: re.Match[str], wanted: tuple[str, Evidence | None] | None) -> Finding:
    meant = f", the connection says {wanted[0]!r}" if wanted else ""
    proof = (wanted[1],) if wanted and wanted[1] else ()
    return Finding(
        rule="password-not-escaped",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        domain="config",
        message=f"the driver looked for another server than the configured one{meant}: "
        "a character of the password ended it early",
        evidence=(told.evidence(match[0].partition(" on ")[0]), *proof),
        step=told.step,
        fix=_FIX,
    )
