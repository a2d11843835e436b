"""Times of different zones were combined, or a time zone does not exist.

What it finds:
    Errors about times with and without a zone, about local times that a clock change skips or repeats, and about
    unknown zones.

Why it matters:
    A source that starts to return times with a zone, or another version of pandas, fails the step, although each
    value is valid.

How to fix:
    Convert both sides to one form where they enter the pipeline: UTC, or no zone.

Example:
    `Cannot compare tz-naive and tz-aware datetime-like objects`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

EXPLAINS = ("driver-raised", "value-not-convertible", "config-value-invalid")
_ONE_FORM = (
    "convert both sides to one form: pd.to_datetime(..., utc=True), or tz_localize for times without a zone and "
    "tz_convert for times with one"
)
_ABBREVIATION = LazyRegex(r"[A-Z]{2,5}")
_OF_WINDOWS = LazyRegex(r"(?:Standard|Daylight|Summer) Time$")


def _fix_of_name(_run: Run, text: ErrorText, match: re.Match[str]) -> str:
    use_name = "use a name of the IANA database such as Europe/Prague"
    name = next((value for value in match.groupdict().values() if value), "").strip(" '\"!")
    if _ABBREVIATION.fullmatch(name):
        return f"{use_name}; {name} is an abbreviation, which names no place with its clock changes"
    if _OF_WINDOWS.search(name):
        return f"{use_name}; {name!r} is a name of Windows"
    if any("FileNotFoundError" in cause and "tzdata" in cause for cause in text.causes):
        return f"{use_name}; the zone data that the step used has no such name"
    return f"{use_name}; if the name is right, install the zone data (package tzdata, or the time zone tables of MySQL)"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"tz-naive and tz-aware|tz-aware (?:and|with|to) tz-naive|offset-naive and offset-aware"
            r"|Tz-aware datetime\.datetime cannot be converted[^\n]{0,80}"
            r"|(?i:mixed time ?zones?) [^\n]{0,120}"
            r"|merge on datetime64\[\w{1,3}(?:, [^\]\n]{1,40})?\] and datetime64\[\w{1,3}(?:, [^\]\n]{1,40})?\] columns"
            r"|Timezones don't match[^\n]{0,80}"
        ),
        message="times with and without a time zone, or of different zones, were combined",
        fix=_ONE_FORM,
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Already tz-aware, use tz_convert|Cannot localize tz-aware \w{1,30}|"
            r"Cannot convert tz-naive \w{1,30}, use tz_localize"
        ),
        message="the driver expected times with another kind of time zone",
        fix="call tz_localize only for times without a zone, and tz_convert only for times with one",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"Invalid comparison between dtype=datetime64\[\w{1,3}(?:, [^\]\n]{1,40})?\] and (?:Timestamp|datetime)\b",
        message="the times could not be compared; the usual reason is that only one of them has a time zone",
        fix=_ONE_FORM,
        domain="data",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=(
            r"\bNonExistentTimeError\b[^\n]{0,80}|\bAmbiguousTimeError\b[^\n]{0,80}|Cannot infer dst time from [^\n]{1,80}"
            r"|is a nonexistent time due to daylight savings time"
        ),
        message="a local time does not exist or exists twice because of a clock change",
        fix="set nonexistent= and ambiguous= in tz_localize, or read the times as UTC",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"No time zone found with key (?P<z1>[^\n]{1,80})"
            r"|\bUnknownTimeZoneError\b:? ?(?P<z2>[^\n]{0,80})"
            r"|invalid value for parameter \"TimeZone\": \"(?P<z3>[^\"\n]{1,80})\""
            r"|time zone \"(?P<z4>[^\"\n]{1,80})\" not recognized"
            r"|Unknown or incorrect time zone: '(?P<z5>[^'\n]{1,80})'"
            r"|Unknown TimeZone '(?P<z6>[^'\n]{1,80})'"
        ),
        message="the time zone does not exist where the step ran",
        fix=_fix_of_name,
        domain="config",
    ),
    ErrorPattern(
        pattern=r"Excel does not support datetimes with timezones",
        message="the target cannot represent times with a time zone",
        fix="convert to UTC and remove the zone with tz_localize(None) before the writer",
        domain="data",
    ),
)
