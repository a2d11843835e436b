"""What lies in a run directory, read but not yet understood."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from osiris_inspect.inspector.event_log import open_large_log as long_reading
from osiris_inspect.inspector.files import text_log as textlog
from osiris_inspect.inspector.files.run_files import RunFiles, ends_mid_line, parse_json, parse_yaml
from osiris_inspect.inspector.run.run import ExposedSecret, LazyEvents, LogLine, WorkerRequest
from osiris_inspect.model import event as events
from osiris_inspect.model import jsonl, manifest, metric, run_card, status
from osiris_inspect.model import redaction as redact
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.event import Event
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.metric import Metric
from osiris_inspect.model.run_card import RunCard
from osiris_inspect.model.status import Status

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.index.line_index import ProgressCallback

T = TypeVar("T")
TRUNCATED_LINE = "torn last line"
SIBLING_COMMANDS = "../commands.jsonl"
"""What was said to a worker that was started by hand; taken under the same condition as its text log."""
SIBLING_TEXT_LOG = "../worker_stderr.log"
"""The text log of a worker that was started by hand, directly beside its session directory.

It is taken only where it names the session, so a log that lies among several runs is given to its own run alone.
"""


@dataclass(frozen=True, slots=True)
class RawRun:
    """The parts of a run as they were written; a part that is not there or cannot be read is None or empty.

    ``events`` are all of ``log``, unless that is long: then those that make the picture of the run.
    """

    disk: RunFiles
    log: Sequence[Event]
    events: Sequence[Event]
    metrics: Sequence[Metric]
    manifest: Manifest | None
    card: RunCard | None
    status: Status | None
    requests: tuple[WorkerRequest, ...]
    log_lines: tuple[LogLine, ...]
    configs: Mapping[str, Mapping[str, Any]]
    exposures: tuple[ExposedSecret, ...]
    manifest_file: str


def read_raw_run(
    root: Path,
    cache: Path | None = None,
    on_progress: "ProgressCallback | None" = None,
    *,
    abridged: bool = False,
) -> RawRun:
    """Read every part of the run in ``root``; the index of a long log is kept in ``cache``, ``told`` hears how far it is.

    ``abridged`` says that of a long log the events that make its picture will do, where it is known which those are.
    """
    disk = RunFiles(root)
    log = (_abridged(disk, cache) if abridged else None) or _events(disk, cache, on_progress)
    picture = log.key_events if not isinstance(log, tuple) and isinstance(log, LazyEvents) else log
    manifest_file, compiled = _manifest(disk)
    configs, exposures = _configs(disk, _step_ids(compiled, picture))
    return RawRun(
        disk=disk,
        log=log,
        events=picture,
        metrics=_metrics(disk),
        manifest=compiled,
        card=_document(disk, layout.RUN_CARD, run_card.parse),
        status=_document(disk, layout.STATUS, status.parse),
        requests=_requests(disk),
        log_lines=(*_torn(disk), *_log_lines(disk)),
        configs=configs,
        exposures=exposures,
        manifest_file=manifest_file,
    )


def _events(disk: RunFiles, cache: Path | None, on_progress: "ProgressCallback | None") -> Sequence[Event]:
    if long_reading.is_large(disk, layout.EVENTS):
        return long_reading.open_events(disk, cache, told=on_progress) or ()
    return tuple(_decoded(disk, layout.EVENTS, lambda line, n: events.decode(line, line_number=n)))


def _abridged(disk: RunFiles, cache: Path | None) -> Sequence[Event] | None:
    from osiris_inspect.inspector.event_log import key_events_cache as abridgement

    return abridgement.load_key_events(disk, cache) if long_reading.is_large(disk, layout.EVENTS) else None


def _metrics(disk: RunFiles) -> tuple[Metric, ...]:
    if long_reading.is_large(disk, layout.METRICS):
        return long_reading.step_metrics(disk)
    return tuple(_decoded(disk, layout.METRICS, lambda line, n: metric.decode(line, line_number=n)))


def _decoded(disk: RunFiles, file: str, decode: Callable[[bytes, int], T | None]) -> Iterator[T]:
    torn = ends_mid_line(disk.tail(file, 1))
    broken: tuple[int, str] | None = None
    for number, line in disk.lines(file):
        if broken:
            disk.record_unreadable(file, *broken)
            broken = None
        try:
            value = decode(line, number)
        except InvalidLine as error:
            broken = number, str(error)
            continue
        if value is not None:
            yield value
    if broken:
        number, reason = broken
        disk.record_unreadable(file, number, f"{TRUNCATED_LINE}: {reason}" if torn else reason)


def _manifest(disk: RunFiles) -> tuple[str, Manifest | None]:
    for file in (layout.MANIFEST, layout.COMPILED_MANIFEST):
        document = disk.read_document(file, parse_yaml) if disk.exists(file) else None
        if isinstance(document, Mapping):
            return file, manifest.parse(document)
        if document is not None:
            disk.record_unreadable(file, 0, f"YAML of type {type(document).__name__}, not a mapping")
    told = _manifest_from_commands(disk)
    return (layout.MANIFEST, None) if told is None else (SIBLING_COMMANDS, manifest.parse(told))


def _manifest_from_commands(disk: RunFiles) -> Mapping[str, Any] | None:
    """The manifest that a worker started by hand was made ready with."""
    if not disk.exists(SIBLING_COMMANDS) or not _mentions_run(disk, SIBLING_COMMANDS):
        return None
    for _, line in disk.lines(SIBLING_COMMANDS):
        try:
            value = jsonl.decode_object(line)
        except InvalidLine:  # sent on purpose to see what the worker makes of it
            continue
        if value.get("cmd") == "prepare" and isinstance(value.get("manifest"), Mapping):
            return cast(Mapping[str, Any], value["manifest"])
    return None


def _document(disk: RunFiles, file: str, parse: Callable[[Any], T]) -> T | None:
    document = disk.read_document(file, parse_json) if disk.exists(file) else None
    return None if document is None else parse(document)


def _request(line: bytes, number: int) -> WorkerRequest | None:
    value = jsonl.decode_object(line)
    if value.get("cmd") != "exec_step" or events.step_name(value.get("step_id")) is None:
        return None
    inputs = value.get("inputs")
    step = manifest.parse({"steps": [{"id": value["step_id"], "inputs": inputs}]}).steps[0]
    driver = value.get("driver")
    return WorkerRequest(step.id, driver if isinstance(driver, str) else None, step.inputs, number)


def _requests(disk: RunFiles) -> tuple[WorkerRequest, ...]:
    """What the worker was told to run; a line of it that is none is the host's fault and no part of the run."""
    if disk.exists(layout.COMMANDS):
        return tuple(_decoded(disk, layout.COMMANDS, _request))
    if not disk.exists(SIBLING_COMMANDS) or not _mentions_run(disk, SIBLING_COMMANDS):
        return ()
    return tuple(request._replace(file=SIBLING_COMMANDS) for request in _requests_by_hand(disk))


def _requests_by_hand(disk: RunFiles) -> Iterator[WorkerRequest]:
    """Requests after the worker was made ready; one before that could only be refused."""
    is_ready = False
    for number, line in disk.lines(SIBLING_COMMANDS):
        try:
            is_ready = is_ready or jsonl.decode_object(line).get("cmd") == "prepare"
            request = _request(line, number)
        except InvalidLine:  # sent on purpose to see what the worker makes of it
            continue
        if is_ready and request is not None:
            yield request


def _torn(disk: RunFiles) -> Iterator[LogLine]:
    """The last line of a log that was cut off in the middle, where it began to tell of an error."""
    torn = next(
        (
            entry
            for entry in disk.unreadable
            if entry.file == layout.EVENTS and entry.reason.startswith(TRUNCATED_LINE)
        ),
        None,
    )
    if torn is None:
        return
    raw = disk.tail(layout.EVENTS, textlog.HEAD_BYTES).rpartition(b"\n")[2]
    if textlog.END_EVENT.search(raw):
        yield textlog.partial_event(layout.EVENTS, torn.line, raw)


def _log_lines(disk: RunFiles) -> Iterator[LogLine]:
    for file in layout.TEXT_LOGS:
        if disk.exists(file):
            yield from textlog.relevant_lines(file, textlog.lines_of(disk, file))
    if disk.exists(SIBLING_TEXT_LOG) and _mentions_run(disk, SIBLING_TEXT_LOG):
        yield from textlog.relevant_lines(SIBLING_TEXT_LOG, textlog.lines_of(disk, SIBLING_TEXT_LOG))


def _mentions_run(disk: RunFiles, file: str) -> bool:
    name = disk.root.resolve().name.encode("utf-8", "surrogateescape")
    size = disk.size(file) or 0
    return name in disk.head(file, textlog.MAX_FULL_READ) or (
        size > textlog.MAX_FULL_READ and name in disk.tail(file, textlog.MAX_FULL_READ)
    )


def _step_ids(compiled: Manifest | None, log: Sequence[Event]) -> dict[str, None]:
    ids = dict.fromkeys(step.id for step in compiled.steps) if compiled else {}
    return ids | dict.fromkeys(event.step for event in log if event.step is not None)


def _configs(
    disk: RunFiles, step_ids: Mapping[str, None]
) -> tuple[dict[str, Mapping[str, Any]], tuple[ExposedSecret, ...]]:
    configs: dict[str, Mapping[str, Any]] = {}
    exposures: list[ExposedSecret] = []
    for step in filter(layout.is_safe_name, step_ids):
        for file in (layout.config_path(step), f"compiled/{layout.config_path(step)}"):
            config = disk.read_document(file, parse_json) if disk.exists(file) else None
            if config is not None:
                configs.setdefault(step, redact.mask_by_key(config))
                exposures += [
                    ExposedSecret(file, key, step, any(character in value for character in "@:/%#?[]"))
                    for key, value in _secrets(config)
                ]
    return configs, tuple(exposures)


def _secrets(value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _secrets(item)
        elif (
            isinstance(item, str)
            and item.strip("*")
            and redact.is_secret_key(key)
            and not _is_reference(item)
        ):
            yield key, item


def _is_reference(value: str) -> bool:
    return value.startswith(("${", "@"))
