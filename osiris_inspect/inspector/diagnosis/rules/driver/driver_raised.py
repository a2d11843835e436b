"""A driver contains a programming error.

What it finds:
    An exception that Python raises for a mistake in a program: a wrong type, a missing name or attribute, an
    index out of range.

Why it matters:
    The data and the connections are usually correct; the driver does not handle its input.

How to fix:
    Check the last line of the traceback. `NoneType` in the message means that a value was missing.

Example:
    `AttributeError: 'NoneType' object has no attribute 'groupby'`
"""

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.error_text import matching_errors, raised_at
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("steps",)
REFINES = ("unexplained-failure",)
IS_GENERAL = True
TEMPLATE = FindingTemplate(
    Severity.ERROR,
    "code",
    "correct the driver at the last line of the traceback",
    Confidence.MEDIUM,
)
_MISTAKE = LazyRegex(
    r"object (?:has no attribute '[^'\n]{1,80}'|is not (?:callable|iterable|subscriptable))"
    r"|'\w{1,60}' object (?:does not support item|cannot be interpreted)"
    r"|name '[^'\n]{1,80}' is not defined"
    r"|cannot access local variable '[^'\n]{1,80}'"
    r"|unsupported operand type\(s\) for"
    r"|(?:list|tuple|string) index out of range"
    r"|(?:float |integer )?division(?: or modulo)? by zero"
    r"|maximum recursion depth exceeded"
    r"|\w{1,80}\(\) (?:takes|missing|got an unexpected|got multiple)[^\n]{1,80}"
    r"|must be (?:a )?\w{1,30}, not \w{1,30}"
    r"|expected [\w., ]{1,60} object, not \w{1,30}"
    r"|(?:string|list|tuple) indices must be"
    r"|The truth value of a (?:DataFrame|Series|array)"
    r"|(?:not enough|too many) values to unpack"
    r"|not supported between instances of '"
    r"|Cannot compare tz-naive and tz-aware"
    r"|cannot pickle '[^'\n]{1,80}' object"
    r"|\bAssertionError\b"
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find steps that failed with an error that Python raises for a mistake in a program."""
    if run.status not in ("failed", "interrupted"):
        return  # errors before the run started do not come from a driver
    for error, match in matching_errors(run, _MISTAKE):
        step = run.step(error.step or "")
        if step is not None and step.failure is not None:
            driver = f"driver {step.driver!r}" if step.driver else "the driver"
            message = f"{error.headline(match[0])}{raised_at(step.failure)}{SEPARATOR}raised by the code of {driver}"
            yield TEMPLATE.finding(message, *error_evidence(step), step=step.id)
