"""A connection reads an environment variable that is not set.

What it finds:
    An error that names an environment variable without a value.

Why it matters:
    The step cannot connect. The original ends such a run without an error of the step: it only stops.

How to fix:
    Set the variable where the run is started, and see that it reaches the sandbox.

Example:
    `Environment variable 'MYSQL_PASSWORD' not set for password in mysql.db_movies`
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.error_text import (
    ErrorText,
    matching_errors,
    matching_log_lines,
)
from osiris_inspect.inspector.files.log_phrases import CONNECTION_OF
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding, Severity

NEEDS = ("failures",)
RANK = 30

_UNSET = LazyRegex(
    r"[Ee]nvironment variable '?(?P<name>[A-Za-z_]\w{0,120})'? (?:is )?not set(?: for \w+ in (?P<connection>[\w.\-]{1,160}))?"
)
_KEY = LazyRegex(r"\bKeyError: '(?P<name>[A-Za-z_]\w{0,120})'$", re.MULTILINE)
_READ = LazyRegex(
    r"\bos\.environ\[['\"](?P<name>\w{1,120})['\"]\]|\bos(?:\.py|>)\", line \d{1,6}, in __getitem__"
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures that name an unset variable, at the step whose connection reads it."""
    for told, match in matching_errors(run, _UNSET):
        step = told.step or _step_in_log(run, match["name"]) or _step_of(run, match["connection"])
        yield Finding(
            rule="environment-variable-missing",
            severity=Severity.ERROR,
            confidence=Confidence.HIGH,
            domain="config",
            message=f"the environment variable {match['name']} is not set",
            evidence=(told.evidence(match[0]), *_logged(run, match["name"])),
            step=step,
            stage="step" if step else told.stage,
            fix=f"set {match['name']} where the run is started",
        )
    for told, match in matching_errors(run, _KEY):
        read = _READ.search(told.traceback[-2000:])
        if read is not None and read["name"] in (None, match["name"]):
            yield Finding(
                rule="environment-variable-missing",
                severity=Severity.ERROR,
                confidence=Confidence.HIGH,
                domain="config",
                message=f"the environment variable {match['name']} is not set where the step runs",
                evidence=(told.evidence(match[0]),),
                step=told.step,
                stage=told.stage,
                fix=f"set {match['name']} where the step runs: a sandbox has not the environment of the host",
            )


def _logged(run: Run, name: str) -> list[Any]:
    return [
        told.evidence(match[0]) for told, match in matching_log_lines(run, CONNECTION_OF) if name in told.text
    ][:1]


def _step_in_log(run: Run, name: str) -> str | None:
    found: list[tuple[ErrorText, re.Match[str]]] = [
        (told, match) for told, match in matching_log_lines(run, CONNECTION_OF) if name in told.text
    ]
    return found[0][1]["step"] if found else None


def _step_of(run: Run, connection: str | None) -> str | None:
    """The first step that uses a connection ``family.alias``."""
    return next((step.id for step in run.steps if connection and _uses(step.config, connection)), None)


def _uses(config: Mapping[str, Any], connection: str) -> bool:
    family, alias = config.get("_connection_family"), config.get("_connection_alias")
    return connection in (f"{family}.{alias}", str(config.get("connection", "")).lstrip("@"))
