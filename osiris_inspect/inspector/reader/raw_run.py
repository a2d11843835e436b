"""Reads the files of a run directory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from osiris_inspect.base.bounded_json import load_document
from osiris_inspect.inspector.event_log import open_large_log
from osiris_inspect.inspector.event_log.key_events_cache import load_key_events
from osiris_inspect.inspector.files import text_log
from osiris_inspect.inspector.files.run_files import TRUNCATED_LINE, RunFiles, ends_mid_line, parse_json
from osiris_inspect.inspector.files.text_log import TextLog, read_text_log
from osiris_inspect.inspector.reader.event_lines import read_events
from osiris_inspect.inspector.run.http_response import HttpResponse
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
SIBLING_COMMANDS = "../commands.jsonl"
"""Commands of a worker that was started manually; used under the same condition as its text log."""
SIBLING_TEXT_LOG = "../worker_stderr.log"
"""Text log of a worker that was started manually, in the parent directory.

It is used only if it mentions the session, because it may belong to another run.
"""


class RawRun(NamedTuple):
    """The decoded files of a run; None or empty for a file that is missing or unreadable.

    ``events`` are all events of ``log``, or the key events of a long log.
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
    responses: tuple[HttpResponse, ...]
    has_info_lines: bool
    configs: Mapping[str, Mapping[str, Any]]
    exposures: tuple[ExposedSecret, ...]
    manifest_file: str


def read_raw_run(
    root: Path,
    cache: Path | None = None,
    on_progress: "ProgressCallback | None" = None,
    *,
    key_events_only: bool = False,
) -> RawRun:
    """Read the files of the run in ``root``; the index of a long log is cached in ``cache``.

    With ``key_events_only`` only the key events of a long log are loaded, if their positions are cached.
    """
    disk = RunFiles(root)
    log = (_key_events(disk, cache) if key_events_only else None) or _events(disk, cache, on_progress)
    key_events = log.key_events if not isinstance(log, tuple) and isinstance(log, LazyEvents) else log
    manifest_file, compiled = _manifest(disk)
    configs, exposures = _configs(disk, _step_ids(compiled, key_events))
    text_logs = _text_logs(disk)
    return RawRun(
        disk=disk,
        log=log,
        events=key_events,
        metrics=_metrics(disk),
        manifest=compiled,
        card=_document(disk, layout.RUN_CARD, run_card.parse),
        status=_document(disk, layout.STATUS, status.parse),
        requests=_requests(disk),
        log_lines=(*_truncated_line(disk), *text_logs.lines),
        responses=text_logs.responses,
        has_info_lines=text_logs.has_info,
        configs=configs,
        exposures=exposures,
        manifest_file=manifest_file,
    )


def _events(disk: RunFiles, cache: Path | None, on_progress: "ProgressCallback | None") -> Sequence[Event]:
    if open_large_log.is_large(disk, layout.EVENTS):
        return open_large_log.open_events(disk, cache, on_progress=on_progress) or ()
    return tuple(read_events(disk))


def _key_events(disk: RunFiles, cache: Path | None) -> Sequence[Event] | None:
    return load_key_events(disk, cache) if open_large_log.is_large(disk, layout.EVENTS) else None


def _metrics(disk: RunFiles) -> tuple[Metric, ...]:
    if open_large_log.is_large(disk, layout.METRICS):
        return open_large_log.step_metrics(disk)
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
        document = disk.read_document(file, load_document) if disk.exists(file) else None
        if isinstance(document, Mapping):
            return file, manifest.parse(document)
        if document is not None:
            disk.record_unreadable(file, 0, f"YAML of type {type(document).__name__}, not a mapping")
    prepared = _manifest_from_commands(disk)
    return (layout.MANIFEST, None) if prepared is None else (SIBLING_COMMANDS, manifest.parse(prepared))


def _manifest_from_commands(disk: RunFiles) -> Mapping[str, Any] | None:
    """Return the manifest in the ``prepare`` command of a worker that was started manually."""
    if not disk.exists(SIBLING_COMMANDS) or not _mentions_run(disk, SIBLING_COMMANDS):
        return None
    for _, line in disk.lines(SIBLING_COMMANDS):
        try:
            value = jsonl.decode_object(line)
        except InvalidLine:  # sent to test the worker
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
    """Return the requests to the worker; invalid lines are errors of the proxy and not recorded."""
    if disk.exists(layout.COMMANDS):
        return tuple(_decoded(disk, layout.COMMANDS, _request))
    if not disk.exists(SIBLING_COMMANDS) or not _mentions_run(disk, SIBLING_COMMANDS):
        return ()
    return tuple(request._replace(file=SIBLING_COMMANDS) for request in _requests_by_hand(disk))


def _requests_by_hand(disk: RunFiles) -> Iterator[WorkerRequest]:
    """Yield requests after ``prepare``; the worker refuses earlier ones."""
    is_ready = False
    for number, line in disk.lines(SIBLING_COMMANDS):
        try:
            is_ready = is_ready or jsonl.decode_object(line).get("cmd") == "prepare"
            request = _request(line, number)
        except InvalidLine:  # sent to test the worker
            continue
        if is_ready and request is not None:
            yield request


def _truncated_line(disk: RunFiles) -> Iterator[LogLine]:
    """Yield the truncated last line of a log if it begins to report an error."""
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
    raw = disk.tail(layout.EVENTS, text_log.HEAD_BYTES).rpartition(b"\n")[2]
    if text_log.reports_failure(raw):
        yield text_log.partial_event(layout.EVENTS, torn.line, raw)


def _text_logs(disk: RunFiles) -> TextLog:
    files = [file for file in layout.TEXT_LOGS if disk.exists(file)]
    if disk.exists(SIBLING_TEXT_LOG) and _mentions_run(disk, SIBLING_TEXT_LOG):
        files.append(SIBLING_TEXT_LOG)
    return reduce(or_, (read_text_log(file, text_log.lines_of(disk, file)) for file in files), TextLog())


def _mentions_run(disk: RunFiles, file: str) -> bool:
    name = disk.root.resolve().name.encode("utf-8", "surrogateescape")
    size = disk.size(file) or 0
    return name in disk.head(file, text_log.MAX_FULL_READ) or (
        size > text_log.MAX_FULL_READ and name in disk.tail(file, text_log.MAX_FULL_READ)
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
            and not item.startswith(("${", "@"))
        ):
            yield key, item
