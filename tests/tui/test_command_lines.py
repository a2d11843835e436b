"""Command lines that the screens copy: they run as copied, and nothing runs before."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from osiris_inspect.tui.shared.command_lines import command_line, run_argument
from osiris_inspect.tui.shared.host_services import NO_HOST, HostServices
from tests.cli.test_resume import call
from tests.cli.test_resume import here as here_  # noqa: F401  a fixture
from tests.tui import made
from tests.tui.conftest import Open
from tests.tui.test_real_runs import opened
from tests.tui.test_screens import named_runs


@contextmanager
def clipboard() -> Iterator[tuple[list[str], HostServices]]:
    copied: list[str] = []
    yield copied, NO_HOST._replace(copy=copied.append)


async def test_copied_replay_repeats_the_failure(here_: Path) -> None:  # noqa: F811
    assert call(here_, ["run", "films.yaml", "--quiet"])[0].code == 1
    (run,) = (here_ / "logs").iterdir()
    before = sorted((here_ / "logs").iterdir())
    with clipboard() as (copied, host):
        async with opened(run) as one:
            one.app.host = host
            await one.press("2", "e", "r", "R")
    program, *words = shlex.split(copied[0])
    assert (program, words) == ("osiris-inspect", ["replay", str(run), "bad"])
    assert copied[1] == shlex.join(["osiris-inspect", "repro", str(run), "bad"])
    assert sorted((here_ / "logs").iterdir()) == before
    done = call(here_, words)[0]
    assert (done.code, done.out.splitlines()[-1]) == (1, "same failure")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("2 g r", "extract-movies succeeded: there is no failure to replay"),
        ("2 G r", "write-stats did not run, because compute-stats failed: replay compute-stats"),
        ("2 G R", "write-stats did not run, because compute-stats failed: replay compute-stats"),
        ("3 g r", "This line has no step"),
    ],
)
async def test_step_without_failure_says_why(stage: Open, keys: str, message: str) -> None:
    with clipboard() as (copied, host):
        async with stage(made.failed(), outside=host) as one:
            await one.press(*keys.split())
            assert one.said() == message
    assert copied == []


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("not_started", "compute-stats did not start: there is no failure to replay"),
        ("running", "compute-stats is still running: there is no failure to replay"),
        ("reused", "compute-stats is of run_1 and did not run: there is no failure to replay"),
    ],
)
async def test_other_state_of_a_step_says_why(stage: Open, status: str, message: str) -> None:
    step = replace(made.FAILED_COMPUTE, status=status, failure=None, reused_from="run_1")
    async with stage(made.report(step)) as one:
        await one.press("2", "r")
        assert one.said() == message


async def test_run_of_another_program_cannot_be_replayed(stage: Open) -> None:
    report = made.failed()
    async with stage(replace(report, run=replace(report.run, dialect="host"))) as one:
        await one.press("2", "e", "r")
        assert one.said().startswith("Only runs of osiris-inspect run can be replayed")


@pytest.mark.parametrize("name", ["a\nrm -rf x", "a\x15b", "a\u202eb", "a\x1b[2J"])
async def test_id_with_invisible_characters_is_not_copied(stage: Open, name: str) -> None:
    with clipboard() as (copied, host):
        async with stage(made.report(replace(made.FAILED_COMPUTE, id=name)), outside=host) as one:
            await one.press("2", "r")
            assert "not copied" in one.said()
    assert copied == []


@pytest.mark.parametrize("name", ["a b", "it's", "$(touch x)", "--with-code=/tmp", "`x`"])
def test_argument_is_one_word_and_no_option(name: str) -> None:
    line = command_line("replay", "/runs/run_1", name)
    assert line is not None
    words = shlex.split(line)
    assert words[-1] == name
    assert ("--" in words[:-1]) is name.startswith("-")


def test_run_in_an_archive_is_named_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from osiris_inspect.inspector.archives import open_archives

    monkeypatch.setattr(open_archives, "_opened", {tmp_path / "content": Path("runs.tgz")})
    monkeypatch.chdir(tmp_path)
    assert run_argument(tmp_path / "content" / "run_1") == str(tmp_path / "runs.tgz" / "run_1")


async def test_comparison_copies_the_proof(stage: Open) -> None:
    with clipboard() as (copied, host):
        async with stage(*named_runs(), size=(120, 40), outside=host) as one:
            await one.press("g", "m", "j", "c", "D")
            assert "D copies the command diff --prove A B" in one.text()
    (line,) = copied
    program, command, option, base, other = shlex.split(line)
    assert (program, command, option) == ("osiris-inspect", "diff", "--prove")
    assert Path(base).parent == Path(other).parent == Path("/runs")
