"""A YAML file that the run reads is not valid, or is not a pipeline of a known version.

What it finds:
    An error of the YAML parser, in the pipeline, the connections or a component specification; or an error about the
    version of a pipeline.

Why it matters:
    Nothing was compiled, or a step could not resolve its connection.

How to fix:
    Correct the file at the line that the error names; most editors mark the position.

Example:
    `expected ',' or ']', but got '<stream end>'`
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR, ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, error_texts, find_matches
from osiris_inspect.inspector.diagnosis.rule import Findings
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence

SEARCHES = ("errors",)
PATTERNS = (
    ErrorPattern(
        pattern=r"Missing oml_version[^\n]{0,60}|Unsupported OML version[^\n]{0,60}",
        message="the pipeline file does not state a supported version",
        fix="set oml_version to a version that this program supports, such as 0.1.0",
        domain="config",
    ),
)
_YAML = ErrorPattern(
    pattern=(
        r"while (?:parsing|scanning|composing|constructing) (?:a|an|the) [^\n]{1,100}"
        r"|(?:expected|but found|but got|could not find|did not find) '?<[a-z ]{3,40}>"
        r"|found (?:undefined alias|duplicate (?:key|anchor)|unexpected [^\n]{1,40})"
        r"|unacceptable character #x?[0-9a-f]{2,6}"
        r"|mapping values are not allowed (?:here|in this context)"
        r"|could not find expected ':'"
        r"|found character '[^\n]{1,6}' that cannot start any token"
        r"|could not determine a constructor for the tag [^\n]{1,80}"
    ),
    message="a YAML file could not be read",
    fix="",
    domain="config",
)
_MARK = LazyRegex(r"in \"(?P<file>[^\"\n]{1,400})\", line (?P<line>\d{1,8})(?:, column (?P<column>\d{1,8}))?")
_HINTS = (
    (LazyRegex(r"'\\t'"), "indent with spaces, not with tabs"),
    (
        LazyRegex(r"mapping values are not allowed"),
        "quote a value that contains ': ', and check the indentation",
    ),
    (LazyRegex(r"expected <block end>"), "align the keys of one mapping"),
    (LazyRegex(r"quoted scalar|unexpected end of stream"), "close the quotation mark"),
    (LazyRegex(r"flow (?:sequence|mapping)"), "close the bracket"),
    (LazyRegex(r"that cannot start any token"), "quote a value that begins with this character"),
    (LazyRegex(r"undefined alias"), "quote a value that begins with '*'"),
)
_WRONG_STRUCTURE = ErrorPattern(
    pattern=(
        r"'(?:NoneType|list|str|int|float|bool)' object (?:has no attribute '\w{1,40}'|is not [\w ]{1,40})"
        r"|(?:string|list) indices must be [^\n]{1,60}"
    ),
    message="the pipeline file does not have the structure of a pipeline",
    fix="write a mapping with oml_version, name and a list of steps, each with id, component and config",
    domain="config",
    confidence=Confidence.MEDIUM,
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find errors of the YAML parser, and those of a compiler that read a file with another structure."""
    matches = find_matches(error_texts(run), _YAML.regex)
    for finding, (text, _) in zip(_YAML.find_all(replace(run, truncated_errors=())), matches, strict=True):
        error = finding.message.rpartition(SEPARATOR)[0]
        explanation, fix = _explain(text)
        yield replace(finding, message=f"{error}{SEPARATOR}{explanation}", fix=fix)
    if run.status == "compile_failed":
        yield from _WRONG_STRUCTURE.find_all(run)


def _explain(text: ErrorText) -> tuple[str, str]:
    """Return which file is not valid YAML at which line, and how to correct it."""
    hint = next((advice for pattern, advice in _HINTS if pattern.search(text.text)), "correct the YAML")
    marks = list(_marks(text))
    where = "the pipeline file" if text.stage == "compile" else "a YAML file"
    if not marks:
        return (
            f"{where} is not valid YAML; the error names no line",
            f"check the pipeline and the connections file with a YAML checker: {hint}",
        )
    file = next((mark["file"] for mark in reversed(marks) if not mark["file"].startswith("<")), None)
    first, last = marks[0]["line"], marks[-1]["line"]
    lines = f"at line {last}" if first == last else f"between lines {first} and {last}"
    if file is None:
        return f"{where} is not valid YAML {lines}", f"correct it {lines}: {hint}"
    return f"{_kind(file)} is not valid YAML {lines}", f"correct {file} {lines}: {hint}"


def _marks(text: ErrorText) -> Iterator[re.Match[str]]:
    return _MARK.finditer(text.text)


def _kind(file: str) -> str:
    name = file.replace("\\", "/").rpartition("/")[2]
    if "connection" in name:
        return f"the connections file {name}"
    if name.startswith("spec."):
        return f"the component specification {file}"
    return f"file {name}"
