"""What each door lets in: packages a command must not load, checked in fresh interpreters."""

import subprocess
import sys

import pytest

HEAVY = ("pandas", "pyarrow", "textual", "duckdb", "numpy")
SAMPLE = "sample_logs"


def loaded(code: str) -> set[str]:
    """The heavy packages that are loaded after ``code``."""
    end = f"\nimport sys; print(' '.join(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr)"
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


def test_importing_the_package_loads_nothing_of_it() -> None:
    code = "import osiris_inspect, sys; print(*[m for m in sys.modules if m.startswith('osiris_inspect.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_compiling_a_pipeline_loads_no_heavy_package() -> None:
    assert loaded("import osiris_inspect.runtime.compile, osiris_inspect.runtime.components") == set()
