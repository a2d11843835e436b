"""A pipeline file is no valid YAML or of an unknown version.

What it finds:
    A compile error about the form of the pipeline file.

Why it matters:
    Nothing could be compiled.

How to fix:
    Correct the file; most editors mark the place.

Example:
    `expected ',' or ']', but got '<stream end>'`
"""

from collections.abc import Iterator
from typing import Final

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Finding

NEEDS: Final = ("failures",)
RANK: Final = 45

SIGNATURE: Final = ErrorPattern(
    rule="pipeline-unreadable",
    pattern=LazyRegex(
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
    message="the pipeline file cannot be read",
    fix="correct the YAML at the line the message names",
    domain="config",
)


_NO_FORM = ErrorPattern(
    rule="pipeline-unreadable",
    pattern=LazyRegex(
        r"'(?:NoneType|list|str|int|float|bool)' object (?:has no attribute '\w{1,40}'|is not [\w ]{1,40})"
        r"|(?:string|list) indices must be [^\n]{1,60}"
    ),
    message="the pipeline file has not the form of a pipeline, so the compiler stumbled",
    fix="let the file be a mapping with oml_version, name and a list of steps, each with id, component and config",
    domain="config",
    confidence=Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Iterator[Finding]:
    """Failures whose text says so, and a compiler that stumbled over a file of another form."""
    yield from SIGNATURE.find_all(run)
    if run.status == "compile_failed":
        yield from _NO_FORM.find_all(run)
