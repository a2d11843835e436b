"""A file does not have the format in which a step reads it.

What it finds:
    Errors about the signature or the end of a Parquet file, an archive or a workbook. Also a source whose first column is
    named like the first line of a page, a document or a pointer: `<!DOCTYPE html>`.

Why it matters:
    The file is truncated, or it is of another kind than its name says. A download that failed often leaves an HTML page
    under the name of the file.

How to fix:
    Look at the first bytes and the size of the file, and fetch it again.

Example:
    `Parquet magic bytes not found in footer`
"""

from osiris_inspect.base.text.text_formats import text_format
from osiris_inspect.inspector.diagnosis.evidence.citations import frame_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.file_source import file_source
from osiris_inspect.inspector.diagnosis.evidence.configuration.query_text import query_of
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText, matching_errors
from osiris_inspect.inspector.diagnosis.evidence.missing_input import may_read_spill
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Evidence, Severity

EXPLAINS = ("column-missing", "query-failed", "delimiter-wrong", "frame-refused", "value-not-convertible")
TEMPLATE = FindingTemplate(Severity.ERROR, "config")
_FIRST_CANDIDATE = LazyRegex(r"Candidate bindings: \"(?P<name>[^\"\n]{1,200})\"?")


def _reads_an_artifact(run: Run, text: ErrorText, _match: object) -> bool:
    """Return True if the file may be a spilled DataFrame, which another rule explains."""
    step = run.step(text.step or "")
    return "artifacts/" in text.text or step is None or may_read_spill(step)


def _is_a_response(_run: Run, text: ErrorText, _match: object) -> bool:
    """Return True if the data came from a web service, not from a file."""
    return "content-encoding" in text.text.lower()


PATTERNS = (
    ErrorPattern(
        pattern=(
            r"Parquet magic bytes not found[^\n]{0,120}|Parquet file size is \d{1,9} bytes[^\n]{0,60}"
            r"|No magic bytes found at end of file[^\n]{0,120}|too small to be a Parquet file"
            r"|Couldn't deserialize thrift[^\n]{0,80}|(?i:not an (?:arrow|orc|avro) file)[^\n]{0,60}"
        ),
        message="the file is truncated, or it is not of this format",
        fix="check the size and the first bytes of the file (a Parquet file begins and ends with PAR1), and write or "
        "fetch it again",
        domain="data",
        unless=_reads_an_artifact,
    ),
    ErrorPattern(
        pattern=(
            r"\bNot a gzipped file \([^)\n]{0,40}\)|\bFile is not a zip file\b"
            r"|Bad magic number for (?:file header|central directory)|Error -3 while decompressing data: incorrect header check"
            r"|(?i:invalid data stream|not a bzip2 file)|Input format not supported by decoder"
        ),
        message="the file is not an archive of the expected kind",
        fix="look at the first bytes of the file; if it is not compressed, correct its name or the compression of the step",
        domain="data",
        unless=_is_a_response,
    ),
    ErrorPattern(
        pattern=r"Multiple files found in (?:ZIP file|TAR archive|\w{1,20} archive)[^\n]{0,200}",
        message="the archive contains several files, and one was expected",
        fix="name the file to read: open it with zipfile or tarfile and read it from there, or extract the archive before",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"Zero files found in (?:ZIP file|TAR archive|\w{1,20} archive)[^\n]{0,120}|No files found in archive[^\n]{0,80}",
        message="the archive contains no file",
        fix="look at what wrote or sent the archive, and fetch it again",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Compressed file ended before the end-of-stream marker was reached"
            r"|unexpected end of (?:compressed file|archive)\b|CRC check failed[^\n]{0,60}"
            r"|Bad CRC-32 for file [^\n]{1,80}|Corrupt (?:snappy|brotli|zstd|lz4|gzip) compressed data"
            r"|Error -(?:3|5) while decompressing data(?!: incorrect header check)[^\n]{0,60}"
        ),
        message="the file is truncated or damaged",
        fix="fetch or write the file again, and compare its size with that of the source",
        domain="data",
    ),
    ErrorPattern(
        pattern=(
            r"Excel file format cannot be determined[^\n]{0,80}|Unsupported format, or corrupt file[^\n]{0,80}"
        ),
        message="the file is not a workbook of the expected kind",
        fix="look at the first bytes of the file: a CSV or HTML file with the name of a workbook is common; use the "
        "driver for what it is",
        domain="data",
    ),
    ErrorPattern(
        pattern=r"openpyxl does not support [^\n]{1,80}|(?i:excel xlsx file; not supported)",
        message="the library that reads the file does not support workbooks of this kind",
        fix="read .xlsx files with openpyxl and .xls files with xlrd, or save the workbook in the other format",
        domain="data",
    ),
)


def check(run: Run, lineage: Lineage) -> Findings:
    """Find also sources whose first column is named like the first line of another kind of text."""
    severity = Severity.ERROR if run.status == "failed" else Severity.WARNING
    for step in run.steps:
        frame = run.frames.get(step.id)
        is_source = not step.inputs or step.is_source
        if frame is not None and frame.columns and is_source and query_of(step.config) is None:
            name = frame.columns[0].name
            yield from _other_text(step, name, frame_evidence(frame, name), severity)
    for error, match in matching_errors(run, _FIRST_CANDIDATE):
        failed = run.step(error.step or "")
        source = file_source(run, lineage, failed) if failed is not None else None
        if source is not None:
            yield from _other_text(source, match["name"], error.evidence(match["name"]), severity)


def _other_text(step: StepState, name: str, evidence: Evidence, severity: Severity) -> Findings:
    """Report that the first column has the name of another kind of text."""
    form = text_format(name)
    if form is None:
        return
    path = step.config.get("path")
    yield TEMPLATE.finding(
        f"{f'file {path!r}' if isinstance(path, str) else 'the source'} was read as a table, but it is "
        f"{form.description}: its first column is named {name!r}",
        evidence,
        severity=severity,
        step=step.id,
        fix=form.fix,
    )
