"""A configuration contains an invalid value.

What it finds:
    An error in which a driver rejects the value of a known key.

Why it matters:
    The step cannot start, regardless of the data.

How to fix:
    Use one of the values that the message lists.

Example:
    `Invalid ddl_channel 'rest'. Expected auto, http_sql, or psycopg2`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern

REFINES = ("query-failed", "connection-failed", "value-refused")
PATTERNS = (
    ErrorPattern(
        pattern=(
            r"(?:Invalid|Unsupported|Unknown) (?:value|option|mode|region|channel|\w{1,30}_\w{1,30}|write mode|delimiter)\b"
            r"[^\n]{0,120}"
            r"|\b\w{1,60} must be (?:one of|between|a list|an? (?:whole )?number|\d+-\d+|[<>]=?)[^\n]{0,100}"
            r"|(?:\"delimiter\"|\"quotechar\"|\"escapechar\") must be a[^\n]{0,80}"
            r"|'mode': [^\n]{1,60} is not one of [^\n]{1,80}"
        ),
        message="the configuration contained an invalid value",
        fix="use one of the values that the message lists",
        domain="config",
    ),
    ErrorPattern(
        pattern=(
            r"[Uu]nknown (?P<s1>character set|collation|system variable|time zone|or incorrect time zone):? '[^'\n]{1,60}'"
            r"|invalid value for parameter \\?\"(?P<s2>[^\"\n\\]{1,60})\\?\"[^\n]{0,80}"
            r"|time zone \"(?P<s3>[^\"\n]{1,60})\" not recognized|unrecognized configuration parameter \"(?P<s4>[^\"\n]{1,60})\""
            r"|\b(?P<s5>ZoneInfoNotFoundError|UnknownTimeZoneError)\b[^\n]{0,80}|No time zone found with key [^\n]{1,60}"
            r"|Catalog Error: [^\n]{0,30}configuration parameter[^\n]{0,100}"
        ),
        message="the server or library does not know this setting or value",
        fix="use a value that it supports: utf8mb4 as character set of MySQL, and a complete name of a time zone such as "
        "Europe/Prague",
        domain="config",
        error_class="setting",
    ),
)
