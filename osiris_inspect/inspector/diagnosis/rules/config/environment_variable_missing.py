"""An environment variable that a connection reads is not set.

What it finds:
    An error that names an environment variable without a value.

Why it matters:
    The step cannot connect. The original stops such a run without an error of the step.

How to fix:
    Set the variable in the environment of the run, and pass it to the sandbox.

Example:
    `Environment variable 'MYSQL_PASSWORD' not set for password in mysql.db_movies`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors, matching_log_lines
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.log_phrases import CONNECTION_OF
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Severity

SEARCHES = ("errors",)
EXPLAINS = ("connection-unresolved", "network", "config-value-missing")
TEMPLATE = FindingTemplate(Severity.ERROR, "config")
_NOT_SET = LazyRegex(
    r"[Ee]nvironment variable '?(?P<name>[A-Za-z_]\w{0,120})'? (?:is )?(?:not set|not found|missing|undefined)(?: for \w+ in (?P<connection>[\w.\-]{1,160}))?"
)
_KEY_ERROR = LazyRegex(r"\bKeyError: '(?P<name>[A-Za-z_]\w{0,120})'$", re.MULTILINE)
_ENVIRON_READ = LazyRegex(
    r"\bos\.environ\[['\"](?P<name>\w{1,120})['\"]\]|\bos(?:\.py|>)\", line \d{1,6}, in __getitem__"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find unset variables that a connection refers to, and those that a driver read itself."""
    for error, match in matching_errors(run, _NOT_SET):
        name = match["name"]
        logged = [(line, at) for line, at in matching_log_lines(run, CONNECTION_OF) if name in line.text][:1]
        step = error.step or next((at["step"] for _, at in logged), _step_using(run, match["connection"]))
        yield TEMPLATE.finding(
            f"environment variable {name} was not set",
            error.evidence(match[0]),
            *(line.evidence(at[0]) for line, at in logged),
            step=step,
            stage="step" if step else error.stage,
            fix=f"set {name} in the environment of the run",
        )
    for error, match in matching_errors(run, _KEY_ERROR):
        name, read = match["name"], _ENVIRON_READ.search(error.traceback[-2000:])
        if read is not None and read["name"] in (None, name):
            yield TEMPLATE.finding(
                f"environment variable {name} was not set where the step ran",
                error.evidence(match[0]),
                step=error.step,
                stage=error.stage,
                fix=f"set {name} where the step runs"
                + ("" if run.mode == "local" else "; a sandbox does not inherit the environment of the host"),
            )


def _step_using(run: Run, connection: str | None) -> str | None:
    """Return the first step that uses a connection ``family.alias``."""
    for step in run.steps:
        family, alias = step.config.get("_connection_family"), step.config.get("_connection_alias")
        if connection in (f"{family}.{alias}", str(step.config.get("connection", "")).lstrip("@")):
            return step.id
    return None
