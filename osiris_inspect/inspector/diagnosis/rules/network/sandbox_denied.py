"""The sandbox of a step forbids what the step did.

What it finds:
    A step that failed to reach a server although its sandbox has no network, to write outside of the folders that the
    sandbox lets it write, or to open a file of the host that the sandbox does not show or hides (`.env`, other runs). Also a step that looks for a
    server of the host under `localhost` in a remote sandbox.

Why it matters:
    The server and the files are usually as they should be: the same step works without a sandbox.

How to fix:
    Grant what the step needs: a component with a connection family gets the network, and the paths that a step names in
    its configuration are visible. `--isolation none` runs without a sandbox.

Example:
    `[Errno 111] Connection refused` in a run whose `worker_started` has `"network": false`
"""

import re
from pathlib import PurePosixPath
from typing import Any

from osiris_inspect.inspector.diagnosis.evidence.citations import error_evidence, event_evidence
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import SEPARATOR
from osiris_inspect.inspector.diagnosis.evidence.headline import error_headline
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepFailure, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.event import Event
from osiris_inspect.model.finding import Severity

NEEDS = ("worker_started",)
REFINES = (
    *("connection-refused", "connection-failed", "host-not-found", "network-timeout", "request-refused"),
    *("file-missing", "file-system-failed", "path-not-writable", "permission-denied", "driver-raised"),
    *("query-failed", "database-file-unusable", "query-reads-files"),
)
TEMPLATE = FindingTemplate(Severity.ERROR, "config")
_WITHOUT = "run without a sandbox (--isolation none)"
_NO_SERVER = LazyRegex(
    r"(?i:connection refused|network is unreachable|no route to host|could not resolve host)"
    r"|\[Errno (?:101|111|113|-2|-3|-5)\]|(?i:name or service not known|temporary failure in name resolution)"
    r"|(?i:no address associated with hostname|failed to resolve|could not translate host name)"
)
_NO_SERVER_KINDS = frozenset({"connection-refused", "connection-failed", "host-not-found"})
_TCP_DENIED = LazyRegex(r"\bPermissionError\b[^\n]{0,80}|\[Errno 13\] Permission denied(?!:)")
_CONNECTS = LazyRegex(r"\.connect(?:_ex)?\(|create_connection|sock_connect|connect_tcp|\bsocket\(")
_ON_SOCKET_FILE = LazyRegex(r"on socket \"|unix_socket")
_LOCAL_HOST = LazyRegex(r"\b(?:localhost|127\.0\.0\.1)\b|\[?::1\]?(?=[:/ \"')]|$)")
_NOT_WRITABLE = LazyRegex(
    r"\[Errno 30\] Read-only file system: '(?P<p1>/[^'\n]{1,300})'|(?i:read-only file system)"
)
_DENIED = LazyRegex(
    r"\[Errno (?:1|13)\] (?:Permission denied|Operation not permitted): '(?P<p1>/[^'\n]{1,300})'"
)
_NO_FILE = LazyRegex(
    r"\[Errno 2\] No such file or directory: '(?P<p1>/[^'\n]{1,300})'"
    r"|No files found that match the pattern \\?\"(?P<p2>/[^\"\n\\]{1,300})"
)
_STAGED_FIX = "write it with output_file(config, ctx) of osiris_inspect"
_SYSTEM = tuple(
    map(PurePosixPath, ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/dev", "/sys"))
)


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find failed steps whose error the sandbox explains."""
    started = next(iter(run.events_named("worker_started")), None)
    level = run.isolation
    if started is None or level not in ("bwrap", "landlock", "e2b"):
        return
    recorded = started.fields.get("grants")
    grants: dict[str, Any] = recorded if isinstance(recorded, dict) else {}
    for step in run.steps:
        if step.failure is None:
            continue
        if level == "e2b":
            yield from _local_host(step, step.failure, started)
        elif grants:
            yield from _without_network(step, step.failure, grants, started, level)
            yield from _outside_of_paths(step, step.failure, grants, started, level)


def _without_network(
    step: StepState, failure: StepFailure, grants: dict[str, Any], started: Event, level: str
) -> Findings:
    if grants.get("network") is not False or not (_finds_no_server(failure) or _may_not_connect(failure)):
        return
    yield TEMPLATE.finding(
        f"{_headline(failure)}{SEPARATOR}the sandbox ({level}) had no network, because no step has a component that "
        "declares connections",
        event_evidence(started, "grants"),
        *error_evidence(step),
        step=step.id,
        fix=_network_fix(step),
    )


def _network_fix(step: StepState) -> str:
    if "query" in step.config and not step.config.get("connection"):
        return f"set allow_external: true in the step if it may read from other hosts, or {_WITHOUT}"
    driver = f"driver {step.driver!r}" if step.driver else "the driver"
    return f"declare a connection family in the component of {driver}, which gives the sandbox a network, or {_WITHOUT}"


def _outside_of_paths(
    step: StepState, failure: StepFailure, grants: dict[str, Any], started: Event, level: str
) -> Findings:
    texts = (failure.message, *failure.causes)
    is_staged = "guarantees" in started.fields
    write_fix = _STAGED_FIX if is_staged else "write to the folder of the pipeline"
    for pattern, key, what, fix in (
        (_NOT_WRITABLE, "write", "did not let the step write there", write_fix),
        (
            _DENIED,
            "write",
            "did not give the step access to it",
            _STAGED_FIX if is_staged else "use the folder of the pipeline",
        ),
        (_NO_FILE, "read", "does not show this path of the host", "read from the folder of the pipeline"),
    ):
        match = next((found for text in texts if (found := pattern.search(text))), None)
        if match is None:
            continue
        path = next(filter(None, match.groups()), None) or _path_of(failure)
        if path is None or _is_granted(path, grants, key):
            continue
        if _is_configured(path, step) and not (is_staged and key == "write"):
            continue
        way_out = f"{fix}, name the path in the configuration of the step"
        if pattern is _NO_FILE and "query" in step.config:
            way_out = "read the file with an extractor step, such as filesystem.csv_extractor, and its rows in the query"
        yield TEMPLATE.finding(
            f"{_headline(failure)}{SEPARATOR}the sandbox ({level}) {what}",
            *error_evidence(step),
            event_evidence(started, "grants"),
            step=step.id,
            fix=f"{way_out}, or {_WITHOUT}",
        )
        return


def _local_host(step: StepState, failure: StepFailure, started: Event) -> Findings:
    local = next(filter(None, map(_LOCAL_HOST.search, (failure.message, *failure.causes))), None)
    if local is None or not _finds_no_server(failure):
        return
    yield TEMPLATE.finding(
        f"{_headline(failure)}{SEPARATOR}in a remote sandbox, {local[0]} is the sandbox itself, not this machine",
        *error_evidence(step),
        event_evidence(started, "isolation", "mode"),
        step=step.id,
        fix="use an address that the sandbox reaches over the internet, or run the pipeline on this machine",
    )


def _headline(failure: StepFailure) -> str:
    return error_headline(failure.message, failure.type or "")


def _finds_no_server(failure: StepFailure) -> bool:
    texts = (failure.message, *failure.causes)
    if any(map(_ON_SOCKET_FILE.search, texts)):
        return False
    is_kind = failure.info is not None and failure.info.kind in _NO_SERVER_KINDS
    return is_kind or any(map(_NO_SERVER.search, texts))


def _may_not_connect(failure: StepFailure) -> bool:
    """Return True if the system refused to open a connection, which Landlock does."""
    denied = any(map(_TCP_DENIED.search, (f"{failure.type}: {failure.message}", *failure.causes)))
    return denied and _path_of(failure) is None and _CONNECTS.search(failure.traceback or "") is not None


def _path_of(failure: StepFailure) -> str | None:
    path = failure.info.facts.get("path") if failure.info is not None else None
    return path if isinstance(path, str) and path.startswith("/") else None


def _is_granted(path: str, grants: dict[str, Any], key: str) -> bool:
    """Return True if the sandbox allows a path; every system has some of its folders to read."""
    keys = ("read", "write") if key == "read" else (key,)
    listed = [folder for name in keys for folder in grants.get(name) or () if isinstance(folder, str)]
    hidden = [folder for folder in grants.get("hidden") or () if isinstance(folder, str)]
    if any(PurePosixPath(path).is_relative_to(folder) for folder in hidden):
        return False
    folders = [*map(PurePosixPath, listed), *(_SYSTEM if key == "read" else ())]
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _is_configured(path: str, step: StepState) -> bool:
    """Return True if the step names a path, which the sandbox would show if the file existed."""
    names = [value for value in step.config.values() if isinstance(value, str) and value]
    return any(path == name or path.endswith(f"/{re.sub(r'^[.]/', '', name)}") for name in names)
