"""An installed package does not fit the code that uses it.

What it finds:
    An import or an attribute that the installed version of a package does not have, and binary incompatibilities.

Why it matters:
    The same pipeline works where other versions are installed: locally, in a sandbox, or last month.

How to fix:
    Install a version of the package that fits, the same one everywhere, or adapt the driver.

Example:
    `AttributeError: module 'numpy' has no attribute 'float'`
"""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

EXPLAINS = ("driver-raised", "dependency-missing")
_DISTRIBUTIONS = {
    "np": "numpy",
    "pd": "pandas",
    "pa": "pyarrow",
    "pq": "pyarrow",
    "DataFrame": "pandas",
    "Series": "pandas",
    "offsets": "pandas",
    "periods": "pandas",
}


def _fix(run: Run, _text: ErrorText, match: re.Match[str]) -> str:
    """Return the remedy with the version that the run recorded where the step ran."""
    named = next((name for name in match.groupdict().values() if name), "").partition(".")[0]
    package = _DISTRIBUTIONS.get(named, named)
    recorded = {event.side: event.fields.get("packages") for event in run.events_named("environment")}
    packages = recorded.get("worker") or recorded.get("host")
    version = packages.get(package) if isinstance(packages, dict) else None
    if not package:
        return "install compatible versions of the packages where the step runs"
    installed = f" ({version} was installed)" if isinstance(version, str) else ""
    return f"install a version of {package} that the driver supports{installed}, or adapt the driver to it"


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"`?\b(?P<np>np|numpy)\.\w{1,40}`? (?:was removed|is a deprecated alias)[^\n]{0,160}"
            r"|module '(?P<m1>numpy|pandas)' has no attribute '(?:float|int|bool|object|str|complex|float_|unicode_|NaN"
            r"|Inf|in1d|product|cumproduct|alltrue|sometrue|trapz|Panel|TimeGrouper|datetime|np|Int64Index"
            r"|Float64Index)'"
            r"|'(?P<DataFrame>DataFrame|Series)' object has no attribute '(?:append|iteritems|ix|lookup|mad|as_matrix"
            r"|get_value|set_value|applymap|tshift|convert_objects)'"
            r"|No module named '(?P<s1>pandas|numpy|pyarrow|duckdb|sqlalchemy|pydantic|psycopg2|supabase)\.[\w.]{1,80}'"
            r"|Pandas requires version '[\w.]{1,20}' or newer of '(?P<r1>[\w\-]{1,60})'[^\n]{0,80}"
            r"|'\w{1,10}' is no longer supported for (?P<pd>offsets|periods)[^\n]{0,80}"
            r"|\bread_(?:csv|table)\(\) got an unexpected keyword argument '(?:error_bad_lines|warn_bad_lines|squeeze"
            r"|prefix|mangle_dupe_cols|date_parser|infer_datetime_format|delim_whitespace|keep_date_col)'"
        ),
        message="the installed version no longer has what the driver uses",
        fix=_fix,
        domain="code",
    ),
    ErrorPattern(
        pattern=r"No module named '(?:distutils|imp|asynchat|asyncore|cgi|cgitb|crypt|nntplib|pipes|smtpd|telnetlib)(?:\.[\w.]{1,60})?'",
        message="newer versions of Python no longer contain this module",
        fix="update the package that imports it, or run the step with an older version of Python; setuptools contains distutils",
        domain="code",
    ),
    ErrorPattern(
        pattern=(
            r"cannot import name '[^'\n]{1,80}' from (?:partially initialized module )?'(?P<i1>[\w.]{1,80})'[^\n]{0,100}"
            r"|ImportError: cannot import name '[^'\n]{1,80}'[^\n]{0,100}"
            r"|module '(?P<m2>[A-Za-z_][\w.]{0,80})' has no attribute '[^'\n]{1,80}'"
            r"|\b(?:read_\w{2,20}|to_\w{2,20}|DataFrame\.\w{1,40}|Series\.\w{1,40}|\w{0,20}GroupBy\.\w{1,40})\(\) "
            r"(?:got an unexpected keyword argument|takes (?:from )?\d)[^\n]{1,80}"
            r"|__init__\(\) got an unexpected keyword argument 'prox(?:y|ies)'"
            r"|'(?:Engine|OptionEngine)' object has no attribute 'execute'"
        ),
        message="the installed version of the package does not have this name",
        fix=_fix,
        domain="code",
        confidence=Confidence.MEDIUM,
    ),
    ErrorPattern(
        pattern=r"\b(?P<lib>\w[\w.+\-]{0,60}\.so[\w.]{0,20}): cannot open shared object file[^\n]{0,60}",
        message="a system library that a package needs is not installed",
        fix="install the system package that contains {lib} where the step runs",
        domain="infra",
    ),
    ErrorPattern(
        pattern=r"(?i:exec format error)[^\n]{0,160}|(?i:bad CPU type in executable)[^\n]{0,80}",
        message="the program was not built for this machine, or it is a script without an interpreter line",
        fix="install the build of the program for this machine, or add a line such as #!/bin/sh to the script",
        domain="infra",
    ),
    ErrorPattern(
        pattern=(
            r"ImportError: (?:\S{0,200}/|[^\n]{0,200}(?:undefined symbol|not found \(required by))"
            r"[^\n]{0,160}"
            r"|\bDLL load failed while importing \w{1,60}[^\n]{0,80}"
            r"|version `\w{1,20}_[\d.]{1,20}' not found[^\n]{0,100}"
            r"|(?P<b1>numpy)\.(?:dtype|ndarray|ufunc) size changed, may indicate binary incompatibility[^\n]{0,100}"
            r"|A module that was compiled using (?P<b2>NumPy) 1\.x cannot be run in[^\n]{0,100}"
            r"|(?P<b3>numpy)\.core\.multiarray failed to import|_ARRAY_API not found"
            r"|(?i:invalid ELF header|wrong ELF class)[^\n]{0,80}"
        ),
        message="a package was installed but incompatible with another package or the system",
        fix="install compatible versions where the step runs",
        domain="infra",
    ),
)
