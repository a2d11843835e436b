"""Help pages and usage errors."""

import re
from pathlib import Path

import pytest

from osiris_inspect.cli.app import build_app
from osiris_inspect.cli.support.help_pages import EXAMPLES
from tests.cli.all_commands import Call, call_all


def commands() -> list[list[str]]:
    """Return the words of every command."""
    app = build_app()
    names = [[info.name or ""] for info in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        assert group.name is not None
        members = group.typer_instance.registered_commands
        names += [[group.name], *([group.name, info.name or ""] for info in members)]
    return names


def test_every_help_page_fits_79_columns_and_has_an_example(tmp_path: Path) -> None:
    names = commands()
    pages = call_all([Call([*name, "--help"], {"COLUMNS": "80"}) for name in [[], *names]], tmp_path, {})
    for name, page in zip([[], *names], pages, strict=True):
        text = page.out.decode()
        assert page.code == 0, name
        assert max(map(len, text.splitlines())) <= 79, name
        assert "…" not in text
        assert "...\n" not in text.partition("\n")[2], name
        assert EXAMPLES.get(" ".join(name), "osiris-inspect demo") in text
    assert {" ".join(name) for name in names} == set(EXAMPLES)


def test_help_page_groups_commands_and_options(tmp_path: Path) -> None:
    main, run = call_all([Call(["--help"]), Call(["run", "--help"])], tmp_path, {})
    headings = re.compile(r"^(\S.*):$", re.MULTILINE)
    assert headings.findall(main.out.decode()) == [
        "Find out why a run failed", "Run pipelines", "Set up", "Options",
    ]  # fmt: skip
    assert headings.findall(run.out.decode()) == [
        "Arguments",
        "Options",
        "Sandbox and E2B",
        "Several machines",
        "Memory and time",
        "Frames on disk",
        "Part of the pipeline",
    ]


ERRORS = (
    ("--versoin", "no such option '--versoin'; did you mean '--version'?"),
    ("summarize logs --lates", "no such option '--lates'; did you mean '--latest'?"),
    ("logs --format json", "no such option '--format' of osiris-inspect without a command; it is an option of "
     "osiris-inspect summarize, osiris-inspect why, osiris-inspect diff, osiris-inspect history, osiris-inspect sql, osiris-inspect lineage, osiris-inspect timeline"),
    ("why logs --frobnicate", "no such option '--frobnicate'; see osiris-inspect why --help"),
    ("runz", "no such command 'runz'; did you mean 'run' or 'runs'?"),
    ("connections lst", "no such command 'lst'; did you mean 'list'?"),
    ("run x.yaml --on sandbx", "invalid value for '--on': 'sandbx' is not one of 'local', 'sandbox', 'e2b', 'dask'; "
     "did you mean 'sandbox'?"),
    ("runs -n x", "invalid value for '--limit' / '-n': not a whole number; see osiris-inspect runs --help"),
    ("why", "missing argument 'RUN'; see osiris-inspect why --help"),
)  # fmt: skip


def test_usage_error_is_one_line_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    written = call_all([Call(line.split()) for line, _ in ERRORS], tmp_path, {})
    for done, (_, says) in zip(written, ERRORS, strict=True):
        assert (done.code, done.out, done.err.decode()) == (2, b"", f"osiris-inspect: {says}\n")


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_has_a_short_option(option: str, tmp_path: Path) -> None:
    (done,) = call_all([Call([option])], tmp_path, {})
    assert (done.code, done.out.decode().split()[0]) == (0, "osiris-inspect")
