"""A pipeline file is not valid YAML or has an unknown version.

What it finds:
    A compile error about the format of the pipeline file.

Why it matters:
    Nothing was compiled.

How to fix:
    Correct the file; most editors mark the position.

Example:
    `expected ',' or ']', but got '<stream end>'`
"""

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Confidence

PATTERNS = (
    ErrorPattern(
        pattern=(
            r"while (?:parsing|scanning|composing|constructing) (?:a|an|the) [^\n]{1,100}"
            r"|(?:expected|but found|but got|could not find|did not find) '?<[a-z ]{3,40}>"
            r"|found (?:undefined alias|duplicate (?:key|anchor)|unexpected [^\n]{1,40})"
            r"|unacceptable character #x?[0-9a-f]{2,6}"
            r"|Missing oml_version[^\n]{0,60}"
            r"|Unsupported OML version[^\n]{0,60}"
            r"|mapping values are not allowed here"
            r"|could not find expected ':'"
            r"|found character '[^\n]{1,6}' that cannot start any token"
        ),
        message="the pipeline file could not be read",
        fix="correct the YAML at the line that the message names",
        domain="config",
    ),
)
_WRONG_STRUCTURE = ErrorPattern(
    pattern=(
        r"'(?:NoneType|list|str|int|float|bool)' object (?:has no attribute '\w{1,40}'|is not [\w ]{1,40})"
        r"|(?:string|list) indices must be [^\n]{1,60}"
    ),
    message="the pipeline file did not have the structure of a pipeline",
    fix="write a mapping with oml_version, name and a list of steps, each with id, component and config",
    domain="config",
    confidence=Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Search also the errors of a compiler that read a file with another structure."""
    if run.status == "compile_failed":
        yield from _WRONG_STRUCTURE.find_all(run)
