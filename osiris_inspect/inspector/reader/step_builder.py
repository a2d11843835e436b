"""Builds the state of each step from the events, in the order of the log."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from osiris_inspect.base.check_results import parse_check_result
from osiris_inspect.inspector.reader.error_causes import error_causes
from osiris_inspect.inspector.run.run import CapturedInput, InputState, MovedFrame, StepCheck, StepFailure
from osiris_inspect.inspector.run.step_times import SteadyClock
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.error_info import ErrorInfo, parse_error_info
from osiris_inspect.model.event import Event, as_int, finite_number, step_name
from osiris_inspect.model.failure import RUN_FAILURES, error_message
from osiris_inspect.model.run_card import StepStatus
from osiris_inspect.model.run_layout import is_relative_and_safe
from osiris_inspect.model.run_types import FrameLocation

_STORAGES: dict[str, FrameLocation] = {"memory": "memory", "spill": "spill", "none": "none"}
_WITH_FIX = LazyRegex(
    r"(?:step '[^']{1,200}': )?(?P<message>.{1,4000}); (?P<fix>(?:add|allow|cast|check|choose|correct|create|drop|give|grant"
    r"|install|make|move|name|pass|quote|raise|read|remove|rename|run|save|set|split|start|use|wait|write) [^;]{1,400})",
    re.DOTALL,
)
"""The text of a driver's error that ends with its remedy."""
_MAX_ATTEMPTS = 20
"""Errors of one step that are kept beside the one it failed with."""
_CFG_PATH = LazyRegex(r"(?:^|/)cfg/([^\n]{1,200})\.json\Z")


@dataclass(slots=True)
class StepBuilder:
    """The state of a step while the log is read."""

    id: str
    driver: str | None = None
    status: StepStatus = "not_started"
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    started: float | None = None
    ended: float | None = None
    next_start: float | None = None
    start_line: int = 0
    end_line: int = 0
    duration_s: float | None = None
    inputs: list[InputState] = field(default_factory=list)
    failure: StepFailure | None = None
    attempts: list[StepFailure] = field(default_factory=list)
    because: str | None = None
    reused_from: str | None = None
    rows_processed: int | None = None
    rows_out: int | None = None
    rows_written: int | None = None
    location: FrameLocation | None = None
    start_count: int = 0
    retries: int = 0
    retry_errors: list[StepFailure] = field(default_factory=list)
    first_line: int = 0
    last_line: int = 0
    unresolved_connection: StepFailure | None = None
    needs_inferred: bool = False
    line: int = 0
    has_written: bool = False
    checks: list[StepCheck] = field(default_factory=list)
    captures: dict[str, CapturedInput] = field(default_factory=dict)
    nodes: list[str] = field(default_factory=list)
    is_sent: bool = False
    moved: dict[str | None, MovedFrame] = field(default_factory=dict)

    @property
    def was_started(self) -> bool:
        """True if the step began, however it ended."""
        return self.status in ("running", "succeeded", "failed", "interrupted")

    @property
    def is_extractor(self) -> bool:
        """True if the step counts the rows it reads; other steps count the rows they write."""
        return self.driver is not None and self.driver.endswith("extractor")


def build_steps(events: Iterable[Event]) -> dict[str, StepBuilder]:
    """Return one builder per step, in the order in which the log names them."""
    drafts: dict[str, StepBuilder] = {}
    for _ in follow_steps(in_order(events), drafts):
        pass
    return drafts


def follow_steps(
    events: Iterable[Event], drafts: dict[str, StepBuilder]
) -> Iterator[tuple[Event, StepBuilder | None]]:
    """Apply events in their order to ``drafts``; yield each event afterwards, with the step that it belongs to."""
    opened: str | None = None
    clock = SteadyClock()
    for logged in events:
        event = clock.steady(logged)
        if event.name == "cfg_opened" and event.step is None:
            opened = _step_of_cfg(event.fields.get("path")) or opened
        step = event.step
        if step is None and event.name == "inputs_resolved":
            step = (
                opened  # up to 0.3.1 this event names no step, but follows the opening of its configuration
            )
        if step is None:
            yield event, None
            continue
        draft = drafts.setdefault(step, StepBuilder(step))
        _update_lines(draft, event)
        handler = _HANDLERS.get(event.name)
        if handler is not None:
            handler(draft, event)
        elif _is_attempt(draft, event):
            draft.attempts.append(failure_of(event))
        yield event, draft


def _is_attempt(draft: StepBuilder, event: Event) -> bool:
    """Return True if a step reports an error that it did not fail with, or not yet."""
    is_open = draft.failure is None and len(draft.attempts) < _MAX_ATTEMPTS
    return is_open and event.is_failure and event.name not in RUN_FAILURES and bool(event.error)


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return the events in the order in which they were written, without duplicates.

    The lines of a log that was collected from several files may be shuffled or duplicated; their sequence
    numbers tell. Events without a number stay after the numbered event they follow.
    """
    keyed: list[tuple[int, int, Event]] = []
    seen: set[tuple[str | None, int]] = set()
    last, ordered = -1, True
    for position, event in enumerate(events):
        if event.seq is not None:
            if (event.session, event.seq) in seen:
                continue
            seen.add((event.session, event.seq))
            ordered = ordered and event.seq > last
            last = event.seq
        keyed.append((last, position, event))
    ordered = ordered or len({session for session, _ in seen}) > 1  # each writer counts from 0
    return [event for _, _, event in (keyed if ordered else sorted(keyed, key=lambda entry: entry[:2]))]


def _update_lines(draft: StepBuilder, event: Event) -> None:
    draft.first_line = draft.first_line or event.line
    draft.last_line = event.line
    if draft.driver is None:
        draft.driver = event.driver


def _start(draft: StepBuilder, event: Event) -> None:
    draft.start_count += 1
    draft.status, draft.started, draft.start_line = "running", event.ts, event.line
    draft.failure = draft.ended = None
    draft.checks.clear()
    _add_node(draft, event)


def _sent(draft: StepBuilder, _event: Event) -> None:
    draft.is_sent = True


def _claimed(draft: StepBuilder, event: Event) -> None:
    """A machine took the step; it fetches the inputs before the step starts."""
    _add_node(draft, event)


def _add_node(draft: StepBuilder, event: Event) -> None:
    if event.node is not None and len(draft.nodes) <= draft.retries:
        draft.nodes.append(event.node)


def _lost(draft: StepBuilder, event: Event) -> None:
    """The attempt was lost with its machine; another one or ``step_failed`` follows."""
    draft.status, draft.failure = "failed", failure_of(event)


def _fetched(draft: StepBuilder, event: Event) -> None:
    ms = finite_number(event.fields.get("ms"))
    draft.moved[step_name(event.fields.get("from_step"))] = MovedFrame(
        as_int(event.fields.get("bytes")), None if ms is None else ms / 1000
    )


def _retry(draft: StepBuilder, _event: Event) -> None:
    """Begin another attempt; the error of the last one is kept."""
    if draft.failure is not None:
        draft.attempts.append(draft.failure)
        if len(draft.retry_errors) < _MAX_ATTEMPTS:
            draft.retry_errors.append(draft.failure)
    draft.status, draft.failure, draft.ended = "running", None, None
    draft.retries += 1
    draft.moved.clear()
    draft.inputs.clear()
    draft.checks.clear()


def _end(draft: StepBuilder, event: Event) -> None:
    draft.ended, draft.end_line = event.ts, event.line
    draft.duration_s = event.duration_s
    if draft.duration_s is None and draft.started is not None and event.ts is not None:
        draft.duration_s = max(0.0, event.ts - draft.started)


def _complete(draft: StepBuilder, event: Event) -> None:
    _end(draft, event)
    draft.status = "succeeded"
    draft.rows_processed = as_int(event.fields.get("rows_processed"))
    draft.has_written = draft.rows_out is None and as_int(event.fields.get("rows_written")) is not None


def _failed(draft: StepBuilder, event: Event) -> None:
    _end(draft, event)
    draft.status = "failed"
    draft.failure = failure_of(event)


def _skipped(draft: StepBuilder, event: Event) -> None:
    draft.status = "skipped"
    draft.because = step_name(event.fields.get("because"))


def _reused(draft: StepBuilder, event: Event) -> None:
    """Take over the result of an earlier run: a frame on disk, or what a writer wrote then."""
    draft.status = "reused"
    draft.reused_from = step_name(event.fields.get("from_run"))
    draft.rows_out = event.row_count
    draft.location = "none" if event.fields.get("how") in ("done", "accepted") else "spill"


def _resolved(draft: StepBuilder, event: Event) -> None:
    names = event.input_names or ("df",) * len(event.upstream_steps)
    for name, origin in zip(names, event.upstream_steps, strict=False):
        rows = event.row_count if len(event.upstream_steps) == 1 else None
        draft.inputs.append(
            InputState(
                name,
                origin,
                event.location or "unresolved",
                rows,
                event.line,
                _attempts(event),
                str(event.fields.get("fingerprint") or ""),
                draft.moved.get(origin),
            )
        )


def _not_found(draft: StepBuilder, event: Event) -> None:
    name = event.input_names[0] if event.input_names else "df"
    origin = event.upstream_steps[0] if event.upstream_steps else None
    draft.inputs.append(InputState(name, origin, "unresolved", None, event.line, _attempts(event)))


def _attempts(event: Event) -> tuple[Mapping[str, Any], ...]:
    attempts = event.fields.get("tried")
    return (
        tuple(entry for entry in attempts if isinstance(entry, Mapping)) if isinstance(attempts, list) else ()
    )


def _rows_out(draft: StepBuilder, event: Event) -> None:
    draft.rows_out = event.row_count
    if draft.status == "not_started":
        draft.status = "succeeded"  # some logs have neither start nor end of a step


def _stored(draft: StepBuilder, event: Event) -> None:
    draft.location = _STORAGES.get(str(event.fields.get("storage")), draft.location)
    if event.row_count is not None:
        draft.rows_out = event.row_count


def _written(draft: StepBuilder, event: Event) -> None:
    draft.rows_written = as_int(event.fields.get("rows_written"))


def _checked(draft: StepBuilder, event: Event) -> None:
    result = parse_check_result(event.fields)
    if result is not None:
        draft.checks.append(StepCheck(result, event.line))


def _captured(draft: StepBuilder, event: Event) -> None:
    """Record whether an input is on disk; the host's event replaces that of a remote worker."""
    fields = event.fields
    name, path = str(fields.get("input") or "df"), fields.get("path")
    reason = None if event.name == "frame_captured" else str(fields.get("reason") or "unknown")
    is_relative = isinstance(path, str) and is_relative_and_safe(path)
    draft.captures[name] = CapturedInput(
        name,
        step_name(fields.get("from_step")),
        str(path) if is_relative and reason is None else None,
        reason,
        as_int(fields.get("bytes")),
        event.line,
    )


def _connection(draft: StepBuilder, event: Event) -> None:
    error = event.fields.get("error")
    if event.fields.get("ok") is False:
        text = error if isinstance(error, str) else "the connection could not be resolved"
        draft.unresolved_connection = StepFailure(text, None, None, event.file, event.line)


_HANDLERS = {
    "step_start": _start,
    "step_complete": _complete,
    "step_failed": _failed,
    "step_retry": _retry,
    "step_skipped": _skipped,
    "step_reused": _reused,
    "step_sent": _sent,
    "step_claimed": _claimed,
    "step_lost": _lost,
    "frame_fetched": _fetched,
    "inputs_resolved": _resolved,
    "input_not_found": _not_found,
    "rows_out": _rows_out,
    "output_stored": _stored,
    "check_result": _checked,
    "frame_captured": _captured,
    "capture_missed": _captured,
    "write.complete": _written,
    "connection_resolve_complete": _connection,
}


def failure_of(event: Event) -> StepFailure:
    """Return the failure that an event reports; its message is never empty."""
    message = error_message(event.fields)
    return StepFailure(
        message or f"{event.original_name or event.name} without a reason",
        event.error_type,
        event.traceback,
        event.file,
        event.line,
        parse_error_info(event.fields.get("error_info")) or _error_with_fix(event, message or ""),
        error_causes(event.fields.get("causes"), event.traceback or ""),
    )


def _error_with_fix(event: Event, message: str) -> ErrorInfo | None:
    """Return the parts of a driver's error in a native run that does not record them: ``message; fix``."""
    match = _WITH_FIX.fullmatch(message) if event.error_type == "DriverError" else None
    if match is None or event.dialect != "native":
        return None
    return ErrorInfo("driver-raised", match["message"], match["fix"], type="DriverError")


def _step_of_cfg(path: Any) -> str | None:
    match = _CFG_PATH.search(path) if isinstance(path, str) else None
    return match[1] if match else None
