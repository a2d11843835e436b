"""What each door lets in: packages a command must not load, checked in fresh interpreters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pandas", "pyarrow", "textual", "duckdb", "numpy")
SLOW = ("typer", "click", "rich", "pydantic", "importlib.metadata")
"""What takes longer to load than a run to read."""
SAMPLE = "sample_logs"
RUN = str(next(Path(__file__).parents[1].glob("sample_logs/good_local/run_*")))


def loaded(code: str, packages: tuple[str, ...] = HEAVY) -> set[str]:
    """Those of the packages that are loaded after ``code``."""
    end = f"\nimport sys; print(' '.join(m for m in {packages!r} if m in sys.modules), file=sys.stderr)"
    wrapped = f"try:\n{_indented(code)}\nexcept SystemExit:\n    pass\n{end}"
    done = subprocess.run([sys.executable, "-c", wrapped], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split()) if done.stderr.strip() else set()


def _indented(code: str) -> str:
    return "\n".join("    " + line for line in code.splitlines())


def command(*words: str) -> str:
    return (
        f"import sys; sys.argv = ['osiris-inspect', *{words!r}]\nfrom osiris_inspect.cli import main\nmain()"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("summarize", "--help"),
        ("summarize", SAMPLE),
        ("summarize", SAMPLE, "--format", "json"),
        ("open", SAMPLE),
        ("rules",),
    ],
    ids=" ".join,
)
def test_a_command_that_only_reads_loads_no_heavy_package(words: tuple[str, ...]) -> None:
    assert loaded(command(*words)) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("summarize", RUN),
        ("summarize", RUN, "--format", "json"),
        ("summarize", RUN, "-f", "github", "--junit", os.devnull),
        ("open", RUN),
        (RUN,),
        ("runs", SAMPLE),
        ("why", RUN, "extract-movies"),
    ],
    ids=lambda words: " ".join(Path(word).name for word in words),
)
def test_what_is_asked_for_often_waits_for_no_framework(words: tuple[str, ...]) -> None:
    assert loaded(command(*words), (*HEAVY, *SLOW)) == set()


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import osiris_inspect, sys; print(*[m for m in sys.modules if m.startswith('osiris_inspect.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_compiling_a_pipeline_loads_no_heavy_package() -> None:
    assert (
        loaded("import osiris_inspect.runtime.pipeline.compiler, osiris_inspect.runtime.pipeline.component")
        == set()
    )


OF_THE_REST = (
    "numpy",
    "yaml",
    "tomllib",
    "hashlib",
    "osiris_inspect.inspector.diagnosis.engine",
    "osiris_inspect.inspector.reader.loader",
    "osiris_inspect.inspector.reader.raw_run",
    "osiris_inspect.inspector.event_log.index.large_log",
    "osiris_inspect.tui.panes.lazy_panes",
    "osiris_inspect.tui.panes.sql",
    "osiris_inspect.tui.screens.runs",
)
"""What a run is read with, and what stands behind the first picture."""


def test_the_first_picture_waits_for_nothing_that_another_process_does_or_that_is_behind_it() -> None:
    code = (
        "from osiris_inspect.cli.inspect import launch_tui\n"
        "from osiris_inspect.cli.startup import prefetch\n"
        "import osiris_inspect.tui.app, osiris_inspect.tui.first_paint_driver\n"
        "launch_tui.host_services(__import__('pathlib').Path('sample_logs'))"
    )
    assert loaded(code, OF_THE_REST) == set()


def test_a_report_on_a_long_log_that_was_read_before_takes_no_numbers(tmp_path: Path) -> None:
    run, cache = tmp_path / "run_1", tmp_path / "cache"
    run.mkdir()
    beat = '{"event": "heartbeat", "step_id": "a", "rows": 1, "session": "run_1"}\n'
    (run / "events.jsonl").write_text(beat * 80_000 + '{"event": "run_end", "status": "success"}\n')
    again = (
        "from pathlib import Path\n"
        "from osiris_inspect.cli.startup.prefetch import _pickled_report\n"
        f"assert _pickled_report(Path({str(run)!r}), 0.0, Path({str(cache)!r}), None)"
    )
    assert loaded(again, ("numpy",)) == {"numpy"}
    assert loaded(again, ("numpy",)) == set()


def test_no_pattern_of_a_rule_is_compiled_before_it_is_asked() -> None:
    code = """
import re
from importlib import import_module
from pkgutil import walk_packages
from osiris_inspect.inspector.diagnosis import rules
from osiris_inspect.inspector.diagnosis.evidence.error_pattern import ErrorPattern
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
modules = [import_module(module.name) for module in walk_packages(rules.__path__, f"{rules.__name__}.")]
held = [value for module in modules for value in vars(module).values()]
held += [each for value in held if isinstance(value, tuple) for each in value]
own = [each.regex if isinstance(each, ErrorPattern) else each for each in held]
own = [each for each in own if isinstance(each, LazyRegex)]
assert len(own) > 50, len(own)
assert not [each for each in own if each.is_compiled]
assert not [m for m in modules for n, v in vars(m).items() if n.startswith("_") and isinstance(v, re.Pattern)]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
