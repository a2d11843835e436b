"""A successful step logged that a part of its work failed.

What it finds:
    An error or a traceback that a driver of a third party logged in a step that succeeded, and a warning which says that
    a write or a request failed, that a page, a file or another part was not read, or that the driver gave up. Also a message
    that a source was not reached and that the driver went on without it. A failure after which the driver logged a retry, or
    read the same part, does not count.

Why it matters:
    A driver that logs an error and continues loses data, and the run succeeds.

How to fix:
    Let the driver raise the error. If the loss is acceptable, allow this rule for the step.

Example:
    `ERROR - station 3`, with a traceback, and the step returned the other stations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.files.driver_messages import (
    DriverMessage,
    is_of_third_party,
    messages_of_successful_steps,
    messages_without_step,
)
from osiris_inspect.inspector.files.left_out_rows import reports_rows_left_out
from osiris_inspect.inspector.files.retries import GAVE_UP, RECOVERED, RETRY
from osiris_inspect.inspector.files.unreached_sources import unreached_sources
from osiris_inspect.inspector.files.unread_parts import parts_of, reports_success, reports_unread_part
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.inspector.text.sanitize import excerpt
from osiris_inspect.model.finding import Confidence, Evidence, Severity

NEEDS = ("text logs",)
MAX_LINES_OF_RECORD = 5
"""A traceback this many lines after a record belongs to it."""
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "data",
    "let the driver raise the error instead of logging it; if the loss is acceptable, allow this rule for the step",
    Confidence.MEDIUM,
)
_WORK = r"(?:insert|write|upload|request|batch|page|chunk|row|record|load|download|fetch)"
_FAILED = LazyRegex(
    rf"\b{_WORK}e?s?(?: \S{{1,20}}){{0,3}} (?:failed|rejected|refused)\b"
    rf"|\b(?:failed|unable) to {_WORK}\b|\b(?:could not|cannot) {_WORK}\b"
    r"|\b(?:giving|gave) up\b|\bincomplete (?:result|response|page|data|download)",
    2,
)
_TOOL = LazyRegex(r"\b(?:extension|module|library|plugin|uvloop|orjson|ujson|numba|cython)\b", 2)
"""An optional package that a driver tried to load."""
_ERROR = LazyRegex(
    r"\d{4}-\d\d-\d\d[T ][\d:.,]{5,20} - (\S{1,100}) - (?:\[step [^\]\n]{1,200}\] - )?(?:ERROR|CRITICAL|FATAL) - "
    r"|\[?(?:ERROR|CRITICAL|FATAL)(?:\]|:| -) "
)
"""A record with its logger, or a line that a driver printed."""
_LOGGER = LazyRegex(r"\d{4}-\d\d-\d\d[T ][\d:.,]{5,20} - (\S{1,100}) - ")
_RUNTIME = "osiris"
_CLIENTS = frozenset(
    (
        *(
            "aiobotocore",
            "aiohttp",
            "asyncio",
            "azure",
            "boto",
            "boto3",
            "botocore",
            "confluent_kafka",
            "google",
        ),
        *("grpc", "httpcore", "httpx", "kafka", "pika", "pymongo", "redis", "snowflake", "trino", "urllib3"),
    )
)
"""Packages that log an error of a request and repeat it themselves."""
_FAILURE = LazyRegex(
    r"fail|error|exception|could not|cannot|can't|unable|refused|timed? ?out|abort|denied|not found", 2
)
_ALL_RECOVERED = LazyRegex(r"\ball\b[^\n]{0,40}\b(?:recovered|retried successfully)\b", 2)
_ATTEMPT = LazyRegex(r"\b(?:attempt|retry|try) #?\d{1,3}(?: ?(?:of|/) ?\d{1,3})?", 2)
_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = (
    "During handling of the above exception",
    "The above exception was the direct cause",
)
_EXCEPTION = LazyRegex(r"[A-Za-z_][\w.]{0,100}(?:Error|Exception)\b")


@dataclass(slots=True)
class _Record:
    """A message and the exception after it.

    Attributes:
        exception: the last line of its traceback; empty if that was not found.
    """

    message: DriverMessage
    has_traceback: bool = False
    exception: str = ""

    @property
    def quote(self) -> str:
        """The message, and the exception if the message does not have it."""
        text = self.message.text
        is_added = self.exception and self.exception not in text
        is_bare = text.startswith(_TRACEBACK)
        joined = self.exception if is_added and is_bare else f"{text}: {self.exception}" if is_added else text
        return repr(excerpt(joined, 160))


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find errors, tracebacks and warnings about lost work in the text logs of successful steps."""
    for step, messages in messages_of_successful_steps(run).values():
        yield from _check_messages(messages, step.id, with_errors=is_of_third_party(step))
    yield from _check_messages(messages_without_step(run), None, with_errors=True)


def _check_messages(messages: Sequence[DriverMessage], step: str | None, *, with_errors: bool) -> Findings:
    failures = _lasting_failures(_records(messages), with_errors=with_errors)
    errors = [record for record in failures if with_errors and _is_error(record)]
    found = errors or failures
    if not found:
        yield from _check_sources(messages, step)
        return
    times = f" {len(found):,} times" if len(found) > 1 else ""
    subject = "" if step else "a step "
    text = (
        f"{subject}succeeded, but logged {len(errors):,} errors, the first: {found[0].quote}"
        if len(errors) > 1
        else f"{subject}succeeded, but its text log reports a failure{times}: {found[0].quote}"
    )
    lines = [record.message.line for record in found[:2]]
    cited = (Evidence(line.file, line.line, excerpt(line.text, 120)) for line in lines)
    yield TEMPLATE.finding(text, *cited, step=step)


def _check_sources(messages: Sequence[DriverMessage], step: str | None) -> Findings:
    """Find a source that was not reached and without which the driver went on."""
    for source in unreached_sources(messages):
        is_counted = any(reports_rows_left_out(message.line) for message in source.messages)
        if source.outcome == "without" and not is_counted:
            subject = "" if step else "a step "
            yield TEMPLATE.finding(
                f"{subject}succeeded without a source that was not reached: {source.quote}",
                *(message.evidence for message in source.messages),
                step=step,
                fix="run the step again when its source answers, and let the driver raise the error; if the loss is acceptable, allow this rule for the step",
            )
            return


def _warns_of_failure(message: DriverMessage) -> bool:
    is_failure = bool(message.line.level) and _FAILED.search(message.claims) is not None
    return is_failure and not _is_repeated(message.text) and not _TOOL.search(message.text)


def _is_repeated(text: str) -> bool:
    """Return True if a message announces a retry, or reports one that succeeded."""
    return (RETRY.search(text) or RECOVERED.search(text)) is not None and not GAVE_UP.search(text)


def _records(messages: Sequence[DriverMessage]) -> list[_Record]:
    """Return the messages, each with the traceback after it."""
    records: list[_Record] = []
    is_chained = False
    for message in messages:
        text, last = message.text, records[-1] if records else None
        is_traceback = text.startswith(_TRACEBACK)
        if last is not None and last.has_traceback and text.startswith(_CHAINED):
            is_chained = True
        elif last is not None and is_traceback and (is_chained or _is_near(last.message, message)):
            last.has_traceback, is_chained = True, False
        elif last is not None and last.has_traceback and _EXCEPTION.match(text):
            last.exception = text
        else:
            records.append(_Record(message, is_traceback))
            is_chained = False
    return records


def _is_near(head: DriverMessage, message: DriverMessage) -> bool:
    distance = message.line.line - head.line.line
    return head.line.file == message.line.file and 0 < distance <= MAX_LINES_OF_RECORD


def _lasting_failures(records: Sequence[_Record], *, with_errors: bool) -> list[_Record]:
    """Return the failures after which the driver did not log a retry."""
    failures: list[_Record] = []
    is_last = False  # the record before was a failure
    for record in records:
        text = record.message.text
        if _is_failure(record, with_errors=with_errors):
            if not (failures and _is_same_record(failures[-1], record)):
                failures.append(record)
            is_last = True
            continue
        if _ALL_RECOVERED.search(text):
            failures.clear()
        elif is_last and _is_repeated(text):
            key = _without_attempt(failures[-1])
            while failures and _without_attempt(failures[-1]) == key:
                failures.pop()
        elif parts := parts_of(text) if reports_success(text) else frozenset():
            failures = [one for one in failures if _is_error(one) or not parts & parts_of(one.message.text)]
        is_last = False
    return failures


def _is_failure(record: _Record, *, with_errors: bool) -> bool:
    is_foreign = with_errors and (_is_error(record) or reports_unread_part(record.message))
    return is_foreign or _warns_of_failure(record.message)


def _is_same_record(before: _Record, record: _Record) -> bool:
    """Return True if the driver also printed a record that the worker's log has."""
    texts = sorted((before.message.text, record.message.text), key=len)
    is_logged = [_LOGGER.match(one.message.line.text) is not None for one in (before, record)]
    return sum(is_logged) == 1 and texts[1].endswith(texts[0])


def _without_attempt(record: _Record) -> str:
    return _ATTEMPT.sub(lambda _match: "", record.message.text)


def _is_error(record: _Record) -> bool:
    line, text = record.message.line, record.message.text
    logger = _LOGGER.match(line.text)
    package = logger[1].partition(".")[0] if logger else ""
    is_error = _ERROR.match(line.text) is not None and package not in _CLIENTS
    if package == _RUNTIME or not (is_error or record.has_traceback) or _is_repeated(text):
        return False
    claims = record.message.claims
    is_about_zero = claims != text and not _FAILURE.search(claims) and not record.has_traceback
    return not is_about_zero and not reports_rows_left_out(line)
