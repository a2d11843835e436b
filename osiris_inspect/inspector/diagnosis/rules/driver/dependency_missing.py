"""A Python package is missing where a step ran.

What it finds:
    An import error, or a package that the check before the first step reported as missing. A package that this check
    reported as present is not missing.

Why it matters:
    The driver cannot work without it.

How to fix:
    Install the package; in a sandbox, let the run install its dependencies.

Example:
    `Missing required dependencies: psycopg2`
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.citations import event_evidence, step_metrics
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.units import pluralize
from osiris_inspect.model.finding import Finding, Severity

SEARCHES = ("errors", "text logs", "dependency_check")
_NAMES = LazyRegex(r"[A-Za-z_][\w.\-]*")
_NAMED_IN = LazyRegex(
    r"No module named '([\w.]{1,80})'|Missing optional dependency '([\w\-.]{1,60})'|(\w{1,40}) not found, please install"
)
_NO_ZONE = LazyRegex(r"\bNo time zone found with key\b|\bZoneInfoNotFoundError\b")
_MAX_NAMES = 12
_DISTRIBUTIONS: Mapping[str, str] = {
    "psycopg2": "psycopg2-binary",
    "pymysql": "PyMySQL",
    "yaml": "PyYAML",
    "dateutil": "python-dateutil",
    "sklearn": "scikit-learn",
    "bs4": "beautifulsoup4",
    "PIL": "Pillow",
    "cv2": "opencv-python",
    "jsonpath_ng": "jsonpath-ng",
    "dotenv": "python-dotenv",
    "google": "the google-cloud package of the service",
}
"""Distributions whose name differs from that of their module."""
_SAME_NAME = frozenset(
    (
        "pandas",
        "numpy",
        "pyarrow",
        "duckdb",
        "sqlalchemy",
        "supabase",
        "requests",
        "httpx",
        "openpyxl",
        "boto3",
        "xlrd",
    )
)
"""Modules whose distribution has the same name."""
_OWN_PACKAGE = "osiris"


def _named(match: re.Match[str]) -> list[str]:
    """Return the modules or packages that an error names."""
    text = next((value for name, value in match.groupdict().items() if name != "ext" and value), "")
    return [name[0] for name in _NAMES.finditer(text)][:_MAX_NAMES]


def _names(text: ErrorText, match: re.Match[str]) -> list[str]:
    """Return the modules or packages of a match, else those named elsewhere in the error."""
    return _named(match) or [
        name for groups in _NAMED_IN.findall(text.text[:4000]) for name in groups if name
    ]


def _listed(run: Run, key: str) -> list[str]:
    """Return the packages that the last check of the run lists as ``present`` or as ``missing``."""
    names = [event.fields.get(key) for event in run.events_named("dependency_check")][-1:]
    return [str(name) for name in names[0]] if names and isinstance(names[0], list) else []


def _is_present(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    """Return True if the run lists every package that the error names as present."""
    names = {name.partition(".")[0].lower() for name in _names(text, match)}
    return bool(names) and names <= {name.lower() for name in _listed(run, "present")}


def _is_present_or_zone_data(run: Run, text: ErrorText, match: re.Match[str]) -> bool:
    """Return True also for the zone data, which Python looks for in a package if no zone has the name."""
    is_zone_data = "tzdata" in match[0] and _NO_ZONE.search("\n".join((text.searchable, *text.causes)))
    return bool(is_zone_data) or _is_present(run, text, match)


def _fix(run: Run, text: ErrorText, match: re.Match[str]) -> str:
    """Return how to install what the error or the check of the run names as missing."""
    modules = [
        name.partition(".")[0] for name in dict.fromkeys([*_names(text, match), *_listed(run, "missing")])
    ]
    if modules and set(modules) == {_OWN_PACKAGE}:
        return "use a version of Osiris whose runner uploads this module to the sandbox"
    names = _to_install(
        [name for name in dict.fromkeys(modules) if name != _OWN_PACKAGE], _listed(run, "required")
    )
    where = "in the environment that runs the pipeline"
    if run.dialect == "native" and run.mode not in (None, "local"):
        where = "where the step runs (option --install-deps)"
    elif run.mode == "e2b":
        where = "in the sandbox (option --e2b-install-deps)"
    return f"install {names} {where}{_written(run, text)}"


def _to_install(modules: list[str], required: list[str]) -> str:
    """Return the distributions to install; a module that no known distribution provides may be the user's own."""
    known = {*_DISTRIBUTIONS, *_SAME_NAME, *required}
    unknown = [module for module in modules if module not in known]
    names = " ".join(_DISTRIBUTIONS.get(module, module) for module in modules if module in known)
    if unknown:
        names += (
            f"{' and ' if names else ''}the package or file that contains {', '.join(map(repr, unknown))}"
        )
    return names or "the package"


def _written(run: Run, text: ErrorText) -> str:
    """Return the rows that the failed step had already written, as the end of a remedy."""
    step = run.step(text.step or "")
    written = [metric.value for metric in step_metrics(run, step, "rows_written")] if step is not None else []
    rows = max((int(value) for value in written if isinstance(value, int | float)), default=0)
    if step is None or not step.is_writer or not rows:
        return ""
    return f"; {pluralize(rows, 'row')} had been written before the error"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"\b(?:ba|da|z)?sh: (?:line )?(?:\d{1,5}: )?(?P<p>[\w.\-]{1,60}): (?:command )?not found"
            r"|Command exited with code 127\b|returned non-zero exit status 127\b"
        ),
        message="a program was not installed where the step ran",
        fix="install the program where the step runs",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"Failed to download extension [^\n]{1,120}"
            r"|automatically install(?:ing)? the required extension '[^\n]{1,60}"
            r"|Extension \"[^\"\n]{1,200}\" (?:not found|could not be loaded)[^\n]{0,80}"
        ),
        message="a DuckDB extension was missing and could not be downloaded",
        fix="install the extension where the step runs or allow access to the extension server",
        domain="infra",
    ),
)
_MISSING = ErrorPattern(
    pattern=(
        r"Missing required dependencies(?: after installation)?: (?P<what>[^\n.]{1,160})"
        r"|No module named '?(?P<m>[\w.]{1,80})'?"
        r"|\bModuleNotFoundError\b[^\n]{0,120}"
        r"|(?P<p>psycopg2) not installed"
        r"|'(?P<c>[\w\-]{1,60})' package is required[^\n]{0,100}"
        r"|Missing optional dependency '(?P<o>[\w\-.]{1,60})'"
        r"|Unable to find a usable engine; tried using: (?P<e>'\w{1,40}'(?:, '\w{1,40}'){0,4})"
        r"|ImportError: (?!cannot import name|\S{0,200}/|DLL load|[^\n]{0,200}(?:undefined symbol|shared object|not found \(required by))[^\n]{1,120}"
        r"|pip command failed[^\n]{0,120}"
    ),
    message="a Python package was missing",
    fix=_fix,
    domain="infra",
    unless=_is_present_or_zone_data,
)
_CHECKED = FindingTemplate(Severity.NOTE, "infra", stage="prepare")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find missing packages in errors, and those that the check before the first step reported as missing."""
    missing = _listed(run, "missing")
    for finding in _MISSING.find_all(run):
        yield _with_all_names(finding, missing)
    for event in run.events_named("dependency_check"):
        names = event.fields.get("missing")
        if isinstance(names, list) and names:
            blocked = run.status == "failed" and run.failed_stage == "prepare"
            packages = " ".join(_DISTRIBUTIONS.get(str(name), str(name)) for name in names[:_MAX_NAMES])
            option = " (option --e2b-install-deps)" if run.mode == "e2b" and run.dialect != "native" else ""
            yield _CHECKED.finding(
                f"packages were missing where the steps ran: {', '.join(map(str, names[:_MAX_NAMES]))}",
                event_evidence(event, "missing"),
                severity=Severity.ERROR if blocked else None,
                fix=f"install {packages} where the steps run{option}",
            )


def _with_all_names(finding: Finding, missing: list[str]) -> Finding:
    """Name in a headline every package that the run lists as missing."""
    error, _, explanation = finding.message.rpartition(SEPARATOR)
    others = [name for name in missing if not re.search(rf"\b{re.escape(name)}\b", error)]
    if not others:
        return finding
    names = ", ".join(missing[:_MAX_NAMES])
    explanation = f"the check before the first step found these packages missing: {names}"
    return replace(finding, message=f"{error}{SEPARATOR}{explanation}")
