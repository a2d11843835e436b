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
    assert loaded("import osiris_inspect.runtime.compile, osiris_inspect.runtime.components") == set()
