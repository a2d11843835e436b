"""A driver logged that values were cut, or replaced by a default.

What it finds:
    Messages of a successful step about truncated or converted values: `Data truncated for column`, the warnings 1264,
    1265, 1292 and 1366 of MySQL, `could not parse … using None`, `coerced to NaN`.

Why it matters:
    The rows are all there, and the values are not those of the source.

How to fix:
    Widen the column of the target, or correct the format that the driver expects. If the replacement is intended,
    allow this rule for the step.

Example:
    `WARNING - ('Warning', 1265, "Data truncated for column 'note' at row 1")`, 20 times.
"""

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import (
    DriverMessage,
    messages_of_successful_steps,
)
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Severity

NEEDS = ("text logs",)
TEMPLATE = FindingTemplate(Severity.WARNING, "data", confidence=Confidence.MEDIUM)
_SERVER = LazyRegex(
    r"\bData truncat(?:ed|ion)\b|\b(?:warning|note)'?,? {0,2}[(:]? {0,2}(?:1264|1265|1292|1366)\b|\b(?:code|errno) {0,2}[=:]? {0,2}(?:1264|1265|1292|1366)\b"
    r"|\bOut of range value for column\b|\bIncorrect (?:integer|decimal|double|date|datetime|time|timestamp|string) value\b"
    r"|\bTruncated incorrect \w{1,12} value\b|\bstring data,? right[- ]truncat\w{2,4}\b",
    2,
)
_CUT = LazyRegex(
    r"\b(?:values?|texts?|strings?|columns?|fields?|cells?|characters|rows?|records?)\b[^\n]{0,60}\b(?:truncated|shortened|clipped|cut (?:off|to|at))(?! table)\b"
    r"|\b(?:truncat(?:ed|ing)|shorten(?:ed|ing)|clipp(?:ed|ing))\b(?! table)[^\n]{0,40}\b(?:values?|columns?|fields?|texts?|strings?|cells?|chars?|characters)\b",
    2,
)
_NOT_DATA = LazyRegex(
    r"\b(?:log|logged|logging|messages?|preview|display|output|body|tables?|target|partitions?|repr|query|statement|traceback|warnings?|list of|whitespace|spaces)\b"
    r"|\b(?:0|no|not|never|without|zero) (?:\w{1,12} ){0,2}(?:were |was |is |are )?(?:truncat|shorten|clipp|cut)",
    2,
)
_REASON = r"(?:could not|couldn't|cannot|can't|failed to|unable to) (?:parse|convert|cast|decode|read|interpret|map|resolve|find|look up|determine|match|coerce)"
_MISFIT = r"(?:invalid|unparse?able|unknown|unrecogni[sz]ed|unexpected|malformed|bad|missing|no)"
_INSTEAD = r"(?:using|set(?:ting)? (?:it |them )?to|default(?:ing|ed)? (?:it )?to|replac(?:ed|ing) (?:it )?(?:by|with)|fall(?:ing|s)? back to|assum(?:ing|ed)|treat(?:ed|ing) (?:it )?as|kept as|left)"
_NOTHING = r"(?:the )?(?:none|null|nan|nat|0(?:\.0{1,2})?|1(?:\.0{1,2})?|zero|empty|blank|default|''|\"\"|today|now|utc now|as is|unknown|n/a)"
_REPLACED = LazyRegex(
    rf"\b{_REASON}\b[^\n]{{0,120}}\b{_INSTEAD} {_NOTHING}(?!\w)|\b(?:coerced|converted|cast) to (?:null|nan|nat|none)\b",
    2,
)
_REPLACED_IN_WARNING = LazyRegex(
    rf"\b{_MISFIT}\b[^\n]{{0,80}}\b{_INSTEAD} {_NOTHING}(?!\w)"
    r"|\busing default (?:for|value for|rate|price|date|currency|amount|category)\b",
    2,
)
_SETTING = LazyRegex(
    r"\b(?:config\w{0,9}|settings?|options?|parameters?|environment|env|time ?outs?|ports?|schema|encoding|delimiter|batch[ _]size|chunk[ _]size|page[ _]size"
    r"|region|profile|credentials?|locale|retry|retries|backoff|pool|log ?level|header|user[- ]agent|proxy|cache|workers?|threads?|api version)\b",
    2,
)
_NONE = LazyRegex(
    r"\b(?:0|no|zero) (?:values?|rows?|cells?|records?|dates?)\b|\b(?:0|zero) (?:\w{1,15} ){0,2}(?:coerced|converted|cast)\b",
    2,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find successful steps that logged that they altered values."""
    for step, messages in messages_of_successful_steps(run).values():
        cut = [message for message in messages if _is_cut(message.claims)]
        replaced = [message for message in messages if _is_replaced(message)]
        for found, text, fix in (
            (
                cut,
                "truncated or changed values",
                "widen the column of the target, or shorten the values before they are written",
            ),
            (
                replaced,
                "values replaced by a default",
                "correct the values, or the format that the driver expects",
            ),
        ):
            if found:
                times = f" {len(found):,} times" if len(found) > 1 else ""
                yield TEMPLATE.finding(
                    f"its text log reports {text}{times}: {found[0].quote}",
                    *(message.evidence for message in found[:2]),
                    step=step.id,
                    fix=f"{fix}; if this is intended, allow this rule for the step",
                )


def _is_cut(text: str) -> bool:
    if _SERVER.search(text):
        return True
    return _CUT.search(text) is not None and not _NOT_DATA.search(text)


def _is_replaced(message: DriverMessage) -> bool:
    text = message.claims
    if _SETTING.search(text) or _NONE.search(text):
        return False
    is_warned = bool(message.line.level) and _REPLACED_IN_WARNING.search(text) is not None
    return is_warned or _REPLACED.search(text) is not None
