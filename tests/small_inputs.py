"""Small inputs that cost much: families by parser, each with the command that reads it and the word it must have."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

MAX_CPU_S: Final = 5
MAX_BYTES: Final = 500 << 20
TOLERANCE: Final = 3
"""Times the limits that a child of the tests may use; the benchmark prints what it uses."""
HEAD: Final = 'oml_version: "0.1.0"\nname: p\nsteps:\n'
CSV: Final = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}}\n"


SAVE_STATUS: Final = "import atexit, pathlib, shutil, sys; status = sys.argv.pop(1); atexit.register(shutil.copyfile, '/proc/self/status', status)\n"
_COMMAND: Final = SAVE_STATUS + "import runpy; runpy.run_module('osiris_inspect', run_name='__main__')"


@dataclass(frozen=True)
class SmallInput:
    """Input of at most 1 MB.

    Attributes:
        words: the command, with ``{}`` for the path of the input.
        write: writes the input to a path.
        message: text that the output contains.
        codes: the exit codes that are right.
    """

    name: str
    words: tuple[str, ...]
    write: Callable[[Path], None]
    message: str = ""
    codes: tuple[int, ...] = (0, 1)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Cost:
    """Exit code, output, CPU seconds and peak memory of a command."""

    code: int
    output: str
    cpu_s: float
    peak_bytes: int


def cost_of(small: SmallInput, folder: Path) -> Cost:
    """Run the command on the input in a child with limits of CPU and memory."""
    path = folder / "input"
    small.write(path)
    words = [word.format(path) for word in small.words]
    output = folder / "output"
    with output.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, str(folder / "status"), *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=_limit,  # noqa: PLW1509  the tests that call this start no thread
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    text = output.read_text("utf-8", "replace")
    return Cost(child.returncode, text, usage.ru_utime + usage.ru_stime, peak_of(folder / "status"))


def peak_of(status: Path) -> int:
    """Return the peak memory in a copy of ``/proc/self/status``; the kernel's usage of a child counts its parent's."""
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def _limit() -> None:
    seconds, size = TOLERANCE * MAX_CPU_S, TOLERANCE * MAX_BYTES
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))  # not the address space, which allocators reserve


def _text(content: str) -> Callable[[Path], None]:
    return lambda path: (path.with_suffix(".yaml").write_text(content) and None) or None


def _pipeline(name: str, content: str, message: str = "") -> SmallInput:
    return SmallInput(f"pipeline-{name}", ("lint", "{}.yaml"), _text(content), message)


def _step(id_: str, needs: str, query: str = "select 1") -> str:
    return f'  - {{id: {id_}, component: duckdb.processor, needs: [{needs}], config: {{query: "{query}"}}}}\n'


def _sql(name: str, query: str, message: str = "") -> SmallInput:
    return _pipeline(f"sql-{name}", HEAD + CSV + _step("b", "a", query), message)


def pipelines() -> list[SmallInput]:
    """Return pipelines: depth, width, length, count and repetition of YAML, names and SQL."""
    connected = "".join(_step(f"s{n}", ", ".join(["a", *(f"s{m}" for m in range(n))])) for n in range(250))
    merged = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(900)) + "}\nb: {<<: [" + "*a, " * 900 + "]}\n"
    checks = "  - {id: a, component: filesystem.csv_extractor, config: {path: a.csv}, checks: {%s}}\n"
    return [
        _pipeline("open-brackets-in-yaml", HEAD + "  - " + "[" * 500_000, "nested deeper than 100"),
        _pipeline("many-parts", HEAD + "  - [" + "a," * 400_000 + "]", "more than 200,000 parts"),
        _pipeline("merge-keys", HEAD + CSV + merged, "aliases expand to more than 100,000"),
        _pipeline("base-60", HEAD + CSV + "params: {a: 1" + ":00" * 300_000 + "}\n"),
        _pipeline("long-number", HEAD + CSV + "a: " + "1" * 900_000, "more than 400 characters"),
        _pipeline("control-character", HEAD + CSV + "a: b\0\n", "input.yaml:5:5: error: control character"),
        _pipeline("fully-connected", HEAD + CSV + connected, "output of step 's249' is never used"),
        _pipeline("reversed", HEAD + "".join(_step(f"s{n}", f"s{n + 1}") for n in range(2_000)), "unknown step"),
        _pipeline("unknown-keys", HEAD + CSV + "".join(f"k{n}: 1\n" for n in range(20_000)), "and 19,980 more"),
        _pipeline(
            "unknown-needs",
            HEAD + CSV + "".join(_step(f"step-{n:04}", f"stepp-{n:04}x") for n in range(1_500)),
            "did you mean 'step-0000'?",
        ),
        _pipeline("many-steps", HEAD + CSV * 10_000, "split the pipeline"),
        _pipeline("long-name", HEAD + CSV + _step("b", "c" * 900_000), "needs unknown step 'ccc"),
        _pipeline("many-inputs", HEAD + CSV + _step("b", ", ".join(f"x{n}" for n in range(60_000))), "more"),
        _pipeline("queries-of-checks", HEAD + checks % f"sql: [{'x, ' * 20_000}]", "write at most 1,000"),
        _sql("open-brackets", "select " + "(" * 4_000, "input.yaml:5:70: error: cannot parse the SQL"),
        _sql("closed-brackets", "select " + "(" * 4_000 + "1" + ")" * 4_000, "brackets are open"),
        _sql("brackets-in-text", "select '" + "(" * 4_000 + "'"),
        _sql("open-lists", "select " + "[" * 100_000, "brackets are open"),
        _sql("open-cases", "select " + "case when " * 20_000, "cannot parse the SQL"),
        _sql("many-tables", "select 1 from " + ",".join(f"t{n}" for n in range(3_000)), "joins or nests too much"),
        _sql("many-unions", " union ".join(f"from t{n}" for n in range(5_000)), "more"),
        _sql("many-statements", "select 1;" * 10_000, "statements"),
        _sql("many-words", "select a" + ", a" * 100_000, "words and signs"),
        _sql("many-inserts", "insert into t " + "select 1 union " * 10_000 + "select 1", "cannot check the SQL"),
    ]  # fmt: skip


Event = Mapping[str, object]


def _run(
    manifest: str, config: str = '{"query": "select 1"}', events: Sequence[Event] = ()
) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        (path / "cfg").mkdir(parents=True)
        lines = [
            {"ts": "2026-01-01T00:00:00Z", "session": "s", "event": "run_start"},
            {"ts": "2026-01-01T00:00:01Z", "session": "s", "event": "step_start", "step_id": "b"},
            *({"ts": "2026-01-01T00:00:01Z", "session": "s", **event} for event in events),
            {
                "ts": "2026-01-01T00:00:02Z",
                "session": "s",
                "event": "step_error",
                "step_id": "b",
                "error": "x",
            },
        ]
        (path / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in lines))
        (path / "manifest.yaml").write_text(manifest)
        (path / "cfg" / "b.json").write_text(config)

    return write


def runs() -> list[SmallInput]:
    """Return run directories."""
    steps = "".join(
        f"- {{id: step-{n:04}, driver: d, cfg_path: c, needs: [stepp-{n:04}x]}}\n" for n in range(1_500)
    )
    one = "pipeline: {id: p}\nsteps:\n- {id: b, driver: duckdb.processor, cfg_path: cfg/b.json, needs: []}\n"
    merged = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(900)) + "}\nb: {<<: [" + "*a, " * 900 + "]}\n"
    inputs = ", ".join(f"i{n}: {{from_step: s{n}, key: df}}" for n in range(4_000))
    blanks = json.dumps({"query": "select * from glob" + " " * 200_000 + "x"})
    wide = one.replace("needs: []", f"inputs: {{{inputs}}}")
    flow = "".join(
        f"{{id: s{n}, driver: d, cfg_path: c, needs: [x{n}], password: hunter{n}}}, " for n in range(1_500)
    )
    resolved: list[Event] = [
        {
            "event": "inputs_resolved",
            "step_id": "b",
            "key": f"i{n}",
            "from_step": f"s{n}",
            "from_memory": True,
        }
        for n in range(4_000)
    ]
    made = {
        "unknown-needs": _run("pipeline: {id: p}\nsteps:\n" + steps),
        "merge-keys": _run(one + merged),
        "base-60": _run(one + "x: 1" + ":00" * 300_000),
        "control-character": _run(one + "x: a\x01"),
        "many-inputs": _run(wide, events=resolved),
        "secrets-in-one-line": _run(
            f"pipeline: {{id: p}}\nsteps: [{{id: b, driver: d, cfg_path: c, needs: [x]}}, {flow}]\n"
        ),
        "blanks-in-query": _run(one, blanks),
        "nested-manifest": _run(one + "x: " + "[" * 500_000),
    }
    commands = (("summarize", "{}"), ("why", "{}", "b"))
    return [
        SmallInput(f"run-{name}-{words[0]}", words, write, codes=(0, 1))
        for name, write in made.items()
        for words in commands
    ]


def queries() -> list[SmallInput]:
    """Return queries over a run, and over a frame of long texts, whose result is large."""
    memory, long_row = "more memory than a query may use", "select left(<column>, 1000)"
    made = {
        "one-text": ("select repeat('x', 1000000000)", memory),
        "long-texts": ("select repeat('x', 1000000) from range(2000)", memory),
        "blob": ("select repeat('x', 1000000000)::blob", memory),
        "list": ("select range(100000000)", memory),
        "nested-texts": ("select [repeat('x', 1000000)] from range(2000)", memory),
        "struct": ("select struct_pack(a := repeat('x', 1000000)) from range(2000)", memory),
        "one-row": ("select repeat('x', 20000000) a", "20.0 MB of them in 'a'; select a part of it"),
        "frame": ("select * from b", long_row),
        "frame-in-list": ("select [c0] from b", long_row),
        "frame-in-struct": ("select struct_pack(a := c0) from b", long_row),
        "frame-as-blob": ("select c0::blob from b", ""),
        "frame-in-json": ("select to_json(b) from b", ""),
        "frame-in-one-list": ("select list(c0) from b", ""),
        "open-brackets": ("select " + "(" * 4_000, "brackets are open"),
    }
    return [
        SmallInput(f"query-{name}", ("sql", "{}", query), _run_with_frame, message, codes=(2,))
        for name, (query, message) in made.items()
    ]


def _run_with_frame(path: Path) -> None:
    _run("pipeline: {id: p}\nsteps:\n- {id: b, driver: d, cfg_path: cfg/b.json, needs: []}\n")(path)
    (path / "artifacts" / "b").mkdir(parents=True)
    write_frame("dictionary", path / "artifacts" / "b" / "output.parquet")


def _bomb(rows: int, columns: int) -> Callable[[Path], pa.Table]:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 1_000_000]))
    return lambda _: pa.table({f"c{n}": text for n in range(columns)})


FRAMES: Final[dict[str, tuple[Callable[[Path], pa.Table], bool]]] = {
    "dictionary": (_bomb(2_000, 1), True),
    "dictionaries": (_bomb(2_000, 20), True),
    "dictionary-of-many-rows": (_bomb(200_000, 1), True),
    "one-huge-cell": (lambda _: pa.table({"a": pa.array([[0] * 30_000_000], pa.list_(pa.int8()))}), True),
    "plain-text": (lambda _: pa.table({"a": pa.array(["x" * 1_000_000] * 100)}), False),
    "many-columns": (lambda _: pa.table({f"c{n}": [1] for n in range(3_000)}), True),
}
"""Frames by the kind of what they expand to, and whether texts are in a dictionary."""


def write_frame(name: str, path: Path) -> None:
    """Write a frame of at most 1 MB."""
    make, has_dictionary = FRAMES[name]
    pq.write_table(make(path), path, compression="zstd", use_dictionary=has_dictionary)
