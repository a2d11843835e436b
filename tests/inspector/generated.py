"""Runs of the real runtime with one fault each, and the label that whoever put the fault there writes.

A case is a fault at a step of one topology, with one storage and one noise. Each run is made by the runtime itself, in
process; only a run whose host was killed is cut afterwards, as a killed host leaves it.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from osiris_inspect.model import run_layout as layout
from osiris_inspect.runtime import settings
from osiris_inspect.runtime.frames.store import FrameStore
from osiris_inspect.runtime.pipeline.compiler import compile_pipeline
from osiris_inspect.runtime.proxy.proxy import RunRequest, run
from osiris_inspect.runtime.transport.in_process import InProcess
from osiris_inspect.runtime.worker.worker import Worker
from tests.inspector.grading import Answer, Groups
from tests.inspector.saboteurs import COMPONENTS, MOON

Role = Literal["source", "middle", "writer"]
Truth = Literal["success", "failed", "success_but_wrong", "truncated"]

TOPOLOGIES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "chain": {"load": [], "clean": ["load"], "stats": ["clean"], "save": ["stats"]},
    "fan-out": {
        "load": [],
        "left": ["load"],
        "right": ["load"],
        "save-left": ["left"],
        "save-right": ["right"],
    },
    "join": {"orders": [], "customers": [], "join": ["orders", "customers"], "save": ["join"]},
    "diamond": {"load": [], "left": ["load"], "right": ["load"], "both": ["left", "right"], "save": ["both"]},
}
STORAGES: Mapping[str, Mapping[str, str]] = {
    "memory": {},
    "forced": {"E2B_FORCE_SPILL": "1"},
    "threshold": {"E2B_SPILL_THRESHOLD": "20"},
}
NOISES = ("none", "extra", "shuffled", "duplicated", "torn")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, where it can, and what a reader should say of it.

    Attributes:
        roles: the kinds of step it can strike.
        must_say: what its diagnosis must state, in words.
        true_claims: the claims that are true of it.
        error_text: the text in which the cause stands, so that a quotation of it is enough.
        at: whether the guilty step is the one struck, or the one upstream of it.
        component, config: what replaces the step; none: the saboteur with ``deed``.
        spills: whether it needs a frame on disk.
        is_alone: whether it needs the only source; an empty one beside another may be normal.
    """

    name: str
    roles: Sequence[Role]
    must_say: Groups
    deed: str = ""
    truth: Truth = "failed"
    component: str = ""
    config: Mapping[str, Any] | None = None
    spills: bool = False
    env: Mapping[str, str] | None = None
    true_claims: Sequence[str] = ()
    error_text: str = ""
    is_alone: bool = False


ALL: Sequence[Role] = ("source", "middle", "writer")
GIVING: Sequence[Role] = ("source", "middle")


def _sql(name: str, must_say: Groups, query: str, **more: Any) -> Fault:
    return Fault(name, ("middle",), must_say, component="duckdb.processor", config={"query": query}, **more)


FAULTS: Sequence[Fault] = (
    Fault(
        "returns nothing",
        GIVING,
        [[r"return\w* (None|nothing|no )|no (output|frame|DataFrame|result)|without (an? )?(output|frame)"]],
        "nothing",
    ),
    Fault("returns another key", GIVING, [[r"\bdata\b"], [r"\bdf\b"]], "other key"),
    Fault("returns no mapping", GIVING, [[r"\blist\b"]], "no mapping"),
    Fault(
        "returns df that is no frame",
        GIVING,
        [[r"\bdict\b|not a (frame|DataFrame)"], [r"\bdf\b|output"]],
        "no frame",
    ),
    Fault(
        "returns an empty mapping",
        GIVING,
        [[r"return\w* (an empty|nothing|no )|no (output|frame|DataFrame|df)|empty (mapping|dict|result)"]],
        "empty mapping",
    ),
    Fault("driver raises", ALL, [["the moon is in the wrong phase"]], "raise", error_text=MOON),
    Fault("memory", ALL, [["memory|allocat"]], "memory", true_claims=["memory"]),
    Fault(
        "disk full", ALL, [[r"no space|\bfull\b|out of space"]], "disk", true_claims=["disk", "unwritable"]
    ),
    Fault(
        "permission",
        ALL,
        [["permission|denied|not allowed|may not"], [r"/data/secret\.bin"]],
        "denied",
        true_claims=["permission", "unwritable"],
    ),
    Fault(
        "module missing",
        ALL,
        [["a_module_nobody_has"], ["module|package|not installed|missing"]],
        "module",
        true_claims=["package"],
    ),
    Fault(
        "connection refused",
        ("source", "writer"),
        [["refused|did not accept|nothing listen"]],
        "refused",
        true_claims=["refused"],
    ),
    Fault(
        "name of host",
        ("source", "writer"),
        [["resolve|not known|unknown host"]],
        "dns",
        true_claims=["unresolved"],
    ),
    Fault(
        "network timeout",
        ("source", "writer"),
        [["timed? ?-?out|did not (respond|answer)|no (answer|response)"]],
        "network",
        true_claims=["timeout"],
    ),
    Fault("encoding", ("source",), [["utf-?8|encod|decode"]], "encoding", true_claims=["encoding"]),
    Fault("driver exits", ALL, [["exit"]], "exit"),
    Fault(
        "column of a frame missing",
        ("middle", "writer"),
        [["amount"], ["column"]],
        "key",
        true_claims=["column"],
    ),
    Fault(
        "value without a form in JSON", ("writer",), [["Timestamp"], ["JSON"]], "json", true_claims=["json"]
    ),
    Fault(
        "step hangs",
        GIVING,
        [[r"time ?-?out|timed out|time limit|0\.4"]],
        "hang",
        env={"E2B_STEP_TIMEOUT": "0.4"},
        true_claims=["timeout", "limit"],
    ),
    _sql(
        "column missing", [["nope"], ["column"]], "SELECT nope FROM {first}", true_claims=["column", "query"]
    ),
    _sql("syntax", [["syntax|not valid SQL|SELEC"]], "SELEC * FROM {first}", true_claims=["syntax", "query"]),
    _sql(
        "table missing",
        [["nowhere"], ["table|not exist|not found"]],
        "SELECT * FROM {first}, nowhere",
        true_claims=["table", "query"],
    ),
    _sql(
        "conversion",
        [["conver|cast"], [r"int|\bn\d+\b"]],
        "SELECT CAST(name AS INTEGER) AS n FROM {first}",
        true_claims=["query"],
    ),
    _sql(
        "function missing",
        [["frobnicate"], ["function"]],
        "SELECT frobnicate(id) FROM {first}",
        true_claims=["function", "query"],
    ),
    _sql(
        "type mismatch",
        [[r"type|\+|operator|VARCHAR"]],
        "SELECT id + name FROM {first}",
        true_claims=["query", "function"],
    ),
    _sql(
        "input of another name",
        [["df_lost"], ["input|frame|table|receiv"]],
        "SELECT * FROM df_lost",
        true_claims=["table", "query"],
    ),
    _sql(
        "filter that nothing passes",
        [[r"\b0 rows|no rows?|all rows|every row|produced (0|none|nothing)"]],
        "SELECT * FROM {first} WHERE id < 0",
        truth="success_but_wrong",
    ),
    Fault(
        "file missing",
        ("source",),
        [[r"nope\.csv"], ["not (found|exist|there)|no such|missing"]],
        component="filesystem.csv_extractor",
        config={"path": "nope.csv"},
        true_claims=["file"],
    ),
    Fault(
        "folder for a file",
        ("source",),
        [["directory|folder"]],
        component="filesystem.csv_extractor",
        config={"path": "folder"},
        true_claims=["file"],
    ),
    Fault(
        "empty file",
        ("source",),
        [["empty|no columns|without columns|no header"]],
        component="filesystem.csv_extractor",
        config={"path": "empty.csv"},
    ),
    Fault(
        "ragged file",
        ("source",),
        [["fields|columns"], ["line|row"]],
        component="filesystem.csv_extractor",
        config={"path": "ragged.csv"},
        true_claims=["ragged"],
    ),
    Fault(
        "source without rows",
        ("source",),
        [["0 rows|no rows|empty|nothing"]],
        "no rows",
        is_alone=True,
        truth="success_but_wrong",
    ),
    Fault(
        "frame that cannot be spilled",
        GIVING,
        [["spill"], ["fail|could not|cannot|not written"]],
        "block spill",
        truth="success_but_wrong",
        spills=True,
        true_claims=["spill", "unwritable"],
    ),
    Fault(
        "spill deleted",
        GIVING,
        [["spill|parquet"], ["missing|deleted|not (found|exist|there)|could not be read|gone|unreadable"]],
        "after:delete",
        spills=True,
        true_claims=["spill", "file"],
    ),
    Fault(
        "spill cut off",
        GIVING,
        [
            ["spill|parquet"],
            ["cut|truncat|damaged|corrupt|incomplete|unreadable|could not be read|shorter|bytes"],
        ],
        "after:cut",
        spills=True,
        true_claims=["spill"],
    ),
    Fault(
        "spill changed",
        GIVING,
        [["spill|parquet"], ["changed|differ|checksum|damaged|corrupt|unreadable|could not be read"]],
        "after:change",
        spills=True,
        true_claims=["spill"],
    ),
    Fault(
        "frame dropped from the store",
        GIVING,
        [
            ["frame|output|spill"],
            [
                "dropped|lost|gone|no longer|neither kept|not (found|kept|there|available)|missing|removed|unreadable|could not be read"
            ],
        ],
        "after:drop",
        true_claims=["spill", "file"],
    ),
    Fault("asks for another key", ("middle", "writer"), [[r"\bdata\b"], [r"\bdf\b|\bkey\b"]], "asks:data"),
    Fault(
        "configuration deleted",
        ALL,
        [["cfg/|config"], ["missing|deleted|not (found|exist|there)|no such|gone"]],
        "config",
        true_claims=["file"],
    ),
    Fault(
        "host killed",
        ALL,
        [["ended|stop|cut|interrupt|truncat|killed|incomplete|never"]],
        "cut",
        truth="truncated",
    ),
)
CLEAN = Fault("none", ALL, [], truth="success")


@dataclass(frozen=True, slots=True)
class Case:
    """One run to make. ``step`` is where the fault strikes, and the guilty one."""

    fault: Fault
    topology: str
    storage: str
    noise: str
    step: str

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.fault.name} at {self.step} of {self.topology}, {self.storage}, noise {self.noise}"

    @property
    def answer(self) -> Answer:
        """The truth about the run."""
        fault = self.fault
        return Answer(
            name=self.name,
            truth=fault.truth,
            roots=[self.step],
            must_say=fault.must_say,
            error_text=fault.error_text,
            true_claims=fault.true_claims,
        )


def role_of(topology: str, step: str) -> Role:
    """What a step of a topology does."""
    steps = TOPOLOGIES[topology]
    if not steps[step]:
        return "source"
    return "middle" if any(step in needs for needs in steps.values()) else "writer"


def _sources(topology: str) -> list[str]:
    return [step for step, needs in TOPOLOGIES[topology].items() if not needs]


def cases() -> Iterator[Case]:
    """Every case there is, in a fixed order."""
    for fault in FAULTS:
        for topology, steps in TOPOLOGIES.items():
            for step in steps:
                if role_of(topology, step) not in fault.roles:
                    continue
                for storage in STORAGES:
                    if fault.spills and storage != "forced":
                        continue
                    if fault.is_alone and len(_sources(topology)) > 1:
                        continue
                    yield from (Case(fault, topology, storage, noise, step) for noise in NOISES)


def some(most: int, seed: int = 7) -> list[Case]:
    """At most so many cases, each fault as often as the others, the same for a seed."""
    chance = random.Random(seed)
    by_fault: dict[str, list[Case]] = {}
    for case in cases():
        by_fault.setdefault(case.fault.name, []).append(case)
    each = max(1, most // len(by_fault))
    return [case for found in by_fault.values() for case in chance.sample(found, min(each, len(found)))]


def clean(count: int) -> list[Case]:
    """So many cases in which nothing is wrong."""
    found = [
        Case(CLEAN, topology, storage, noise, "")
        for topology in TOPOLOGIES
        for storage in STORAGES
        for noise in ("none", "extra")
    ]
    return [found[number % len(found)] for number in range(count)]


def make(case: Case, folder: Path, number: int = 0) -> Path:
    """Run a case; gives its run directory."""
    base = _files(folder)
    text = pipeline(case, rows=14 + number % 17)
    variables = {**STORAGES[case.storage], **(case.fault.env or {})}
    order = RunRequest(
        compile_pipeline(text, "pipeline.yaml", COMPONENTS),
        settings.read(variables),
        folder / "logs",
        base,
        time.time,
        components=COMPONENTS,
    )
    with _struck(case):
        path = run(order, InProcess(os.environ, time.time)).path
    if case.fault.deed == "cut":
        _kill_host(path, case.step)
    _make_noise(path, case, number)
    return path


def pipeline(case: Case, rows: int = 14) -> str:
    """The pipeline of a case, with the fault in it where a pipeline can hold it."""
    steps = []
    for step, needs in TOPOLOGIES[case.topology].items():
        role = role_of(case.topology, step)
        kind = {"source": "extractor", "middle": "processor", "writer": "writer"}[role]
        entry: dict[str, Any] = {"id": step, "component": f"gen.{kind}", "config": {}}
        if role == "source":
            entry["config"]["rows"] = rows
        if needs:
            entry["needs"] = list(needs)
        if step == case.step:
            _strike(entry, case, needs)
        steps.append(entry)
    return json.dumps({"oml_version": "0.1.0", "name": f"generated-{case.topology}", "steps": steps})


def _strike(entry: dict[str, Any], case: Case, needs: Sequence[str]) -> None:
    fault = case.fault
    if fault.component:
        first = "df_" + needs[0].replace("-", "_") if needs else ""
        config = {key: str(value).replace("{first}", first) for key, value in (fault.config or {}).items()}
        entry["component"], entry["config"] = fault.component, config
    elif fault.deed.startswith("asks:"):
        entry.pop("needs")
        entry["inputs"] = {
            "df" if len(needs) == 1 else f"df_{need}": {
                "from_step": need,
                "key": "data" if not place else "df",
            }
            for place, need in enumerate(needs)
        }
    elif fault.deed in ("cut", "config") or fault.deed.startswith("after:"):
        return
    elif fault.deed:
        entry["config"]["fault"] = fault.deed


def _files(folder: Path) -> Path:
    base = folder / "work"
    if not base.exists():
        (base / "folder").mkdir(parents=True)
        (base / "empty.csv").write_text("")
        (base / "ragged.csv").write_text("a,b\n1,2\n3,4,5,6\n7\n")
    return base


@contextmanager
def _struck(case: Case) -> Iterator[None]:
    """The world while a case runs: what happens behind the runtime's back."""
    strikes: Mapping[str, Callable[[FrameStore], None]] = {
        "after:delete": lambda store: _parquet(store, case.step).unlink(missing_ok=True),
        "after:cut": lambda store: os.truncate(_parquet(store, case.step), 40),
        "after:change": lambda store: _flip(_parquet(store, case.step)),
        "after:drop": lambda store: _forget(store, case.step),
    }
    strike = strikes.get(case.fault.deed)
    resolve, opened = FrameStore.resolve, Worker._load_config

    def resolve_after(self: FrameStore, step: str, name: str, ref: Any) -> Any:
        if strike is not None and ref.from_step == case.step:
            strike(self)
        return resolve(self, step, name, ref)

    def open_after(self: Worker, step_id: str, relative: str, *more: Any) -> Any:
        if case.fault.deed == "config" and step_id == case.step:
            (self._run_dir / relative).unlink()
        return opened(self, step_id, relative, *more)

    FrameStore.resolve, Worker._load_config = resolve_after, open_after  # type: ignore[method-assign]
    try:
        yield
    finally:
        FrameStore.resolve, Worker._load_config = resolve, opened  # type: ignore[method-assign]


def _parquet(store: FrameStore, step: str) -> Path:
    return store._spills._root / layout.spill_path(step)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def _forget(store: FrameStore, step: str) -> None:
    """The bug of the first authors: the frame is left out of what is kept."""
    entry = store._entries[step]
    entry.frame = entry.plan = entry.spilled = None
    for file in (layout.spill_path(step), layout.schema_path(step)):
        (store._spills._root / file).unlink(missing_ok=True)


def _kill_host(path: Path, step: str) -> None:
    """What is left when the host is killed while a step runs: its log up to there, and nothing that is written last."""
    log = path / layout.EVENTS
    lines = log.read_bytes().splitlines(keepends=True)
    events = [json.loads(line) for line in lines]
    cut = next(
        place
        for place, event in enumerate(events)
        if event["event"] == "step_start" and event.get("step_id") == step
    )
    log.write_bytes(b"".join(lines[: cut + 1]))
    (path / layout.STATUS).unlink()
    (path / layout.RUN_CARD).unlink()


def _make_noise(path: Path, case: Case, number: int) -> None:
    chance = random.Random(f"{case.name} {number}")
    log = path / layout.EVENTS
    lines = log.read_bytes().splitlines(keepends=True)
    match case.noise:
        case "extra":
            for place in sorted(chance.sample(range(len(lines)), 5), reverse=True):
                lines.insert(place, _foreign(chance))
        case "shuffled":
            keyed = [(place + chance.uniform(0, 2.5), line) for place, line in enumerate(lines)]
            lines = [line for _, line in sorted(keyed)]
        case "duplicated":
            for place in sorted(chance.sample(range(len(lines)), 5), reverse=True):
                lines.insert(place, lines[place])
        case "torn":
            lines[-1 if case.fault.truth == "truncated" else 0 :] = [
                *lines[-1 if case.fault.truth == "truncated" else 0 :],
                lines[-1][: len(lines[-1]) // 2],
            ]
        case _:
            return
    log.write_bytes(b"".join(lines))


def _foreign(chance: random.Random) -> bytes:
    event = {
        "ts": "2026-01-01T00:00:00.000000+00:00",
        "event": chance.choice(["audit_note", "billing_tick", "cache_probe", "gc"]),
        "session": "another",
        "detail": f"ref {chance.randrange(10**9)}",
    }
    return json.dumps(event).encode() + b"\n"
