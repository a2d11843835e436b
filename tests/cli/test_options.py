"""The two readers of a command line: the quick one says the same as typer, or nothing."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from osiris_inspect.cli.inspect import summarize
from osiris_inspect.cli.startup import fast_path as quick
from osiris_inspect.cli.support import typer_adapter as typed
from osiris_inspect.cli.support.option_table import COMPLETION, CommandSpec, OptionSpec, parse_args
from osiris_inspect.cli.support.paths import ALLOW_REDIRECT, MAX_BYTES
from tests.cli.shell import osiris_inspect
from tests.inspector.making import CHAIN, failing_locally, run_dir, succeeding_locally

pytestmark = pytest.mark.sampled(3)

COMMANDS = {name: import_module(f"osiris_inspect.cli.inspect.{name}").command() for name in quick._COMMANDS}
VALUES = (
    "logs",
    "a=b",
    "error",
    "low",
    "json",
    "text",
    "always",
    "3",
    "0",
    "-3h",
    "٣",
    "3.5",
    "-",
    "",
    "/",
    "x y",
    "é",
)


ANY = st.sampled_from(VALUES) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)


def words(command: CommandSpec) -> st.SearchStrategy[list[str]]:
    """Words as they are typed: options of the command in all their forms, values that fit or nearly, and nonsense."""
    subjects = [option for option in command.options if not option.names]
    about = st.lists(ANY.map(lambda word: [word]), min_size=len(subjects), max_size=len(subjects) + 1)
    options = [given_as(option) for option in command.options if option.names]
    nonsense = st.sampled_from([["--help"], ["-h"], ["--"], ["--nonsense"], ["-"]])
    more = st.lists(st.one_of(*options, *options, nonsense), max_size=4)
    pieces = st.tuples(about, more).flatmap(lambda both: st.permutations([*both[0], *both[1]]))
    return pieces.map(lambda pieces: [word for piece in pieces for word in piece])


def given_as(option: OptionSpec) -> st.SearchStrategy[list[str]]:
    """An option and its value, apart or as one word; now and then a name that is cut off, or no value."""
    nearly = [form for choice in option.choices for form in (choice, choice, choice[:-1], choice.upper())]
    value = st.sampled_from(nearly) if nearly else ANY
    name = st.sampled_from([*option.names * 4, *(name[:-1] for name in option.names)])
    apart = st.tuples(name, value).map(list)
    joined = st.builds("{}={}".format, name, value) | st.builds("{}{}".format, name, value)
    alone = name.map(lambda name: [name])
    if option.kind == "flag":
        return st.one_of(alone, alone, alone, joined.map(lambda word: [word]))
    return st.one_of(apart, apart, apart, joined.map(lambda word: [word]), alone)


def as_typer_reads(command: CommandSpec, words: list[str]) -> Mapping[str, Any] | None:
    """What typer gives to a command for these words; None where it refuses them, or helps."""
    taken: list[Mapping[str, Any]] = []

    def take(given: Mapping[str, Any]) -> int:
        taken.append(given)
        return 0

    app = typer.Typer(add_completion=False)
    typed.add_to_typer(app, CommandSpec(command.name, command.help, command.options, take))
    done = CliRunner().invoke(app, words, prog_name="p")
    assert done.exit_code in (0, 2), done.output
    return taken[0] if taken else None


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_quick_reader_says_the_same_as_typer_or_nothing(command: CommandSpec, data: st.DataObject) -> None:
    given = data.draw(words(command))
    quickly = parse_args(command.options, given)
    if quickly is not None:
        assert as_typer_reads(command, given) == quickly


USUAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("summarize", ("logs",)),
    ("summarize", ("logs", "--format", "json")),
    ("summarize", ("-f", "github", "a", "b", "--fail-on=warning", "--latest", "--failed")),
    ("summarize", ("logs", "--junit", "j.xml", "--chrome-trace=t.json", "-o", "out.txt", "--color", "never")),
    ("open", ()),
    ("open", ("logs/run_1",)),
    ("runs", ()),
    ("runs", ("logs", "--failed", "--json", "-n", "20", "--pipeline", "movies*", "--since=2026-01-01")),
    ("why", ("logs/run_1", "compute-stats.df", "--format", "json")),
)


@pytest.mark.parametrize(("name", "given"), USUAL)
def test_usual_words_are_read_quickly_and_as_typer_reads_them(name: str, given: tuple[str, ...]) -> None:
    quickly = parse_args(COMMANDS[name].options, given)
    assert quickly is not None
    assert quickly == as_typer_reads(COMMANDS[name], list(given))


@pytest.mark.parametrize(
    "given",
    [
        ("--help",), ("logs", "-h"), (), ("logs", "--nonsense"), ("logs", "--format"), ("logs", "--format", "xml"),
        ("logs", "--latest=1"), ("logs", "-fjson"), ("logs", "-f=json"), ("logs", "--output="), ("--", "logs"),
        ("logs", "--output", "--latest"), ("",),
    ],
)  # fmt: skip
def test_words_that_are_not_surely_understood_are_left_to_typer(given: tuple[str, ...]) -> None:
    assert parse_args(COMMANDS["summarize"].options, given) is None


def test_path_that_may_not_be_read_is_left_to_typer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.touch()
    options = (OptionSpec("file", "", ("--file",), "path"),)
    assert parse_args(options, ("--file", str(closed))) == {"file": closed}
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may read everything
    assert parse_args(options, ("--file", str(closed))) is None


def test_every_option_of_summarize_has_its_place() -> None:
    given = parse_args(COMMANDS["summarize"].options, ("logs",))
    assert given is not None
    own = {key: value for key, value in given.items() if key not in (MAX_BYTES.key, ALLOW_REDIRECT.key)}
    assert summarize._options(own).paths == [Path("logs")]


def test_shell_that_asks_for_completions_is_left_to_typer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COMPLETION, "complete_bash")
    assert quick.run_fast(["summarize", "logs"]) is None


@pytest.mark.parametrize(
    "given", [[], ["rules"], ["--version"], ["--help"], ["nonsense"], ["sql", "logs", "select 1"]]
)
def test_other_commands_are_left_to_typer(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert quick.run_fast(given) is None


def both_ways(folder: Path, *given: str) -> Iterator[tuple[int, str, str]]:
    """What a command does when it is read quickly, and when typer reads it: ``--`` changes nothing but the reader."""
    for more in ((), ("--",)):
        done = osiris_inspect(*given, *more, cwd=folder, env={"XDG_CACHE_HOME": str(folder / "cache")})
        yield done.code, done.out, done.err


@pytest.mark.parametrize(
    "given",
    [
        ("summarize", "logs"), ("summarize", "logs", "--failed", "-f", "json"), ("summarize", "absent"),
        ("summarize", "logs", "--baseline", "absent.json"), ("summarize", "logs", "--output", "/dev/null/x"),
        ("open", "logs"), ("open",), ("runs",), ("runs", "logs", "--json"), ("runs", "--since", "yesterday-ish"),
        ("why", "logs", "extract"), ("why", "logs", "no-such-step"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_command_does_the_same_whoever_read_its_words(given: tuple[str, ...], tmp_path: Path) -> None:
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN, name="run_1759170586030")
    run_dir(tmp_path / "logs", succeeding_locally(), steps=CHAIN, name="run_1759170586999")
    quickly, slowly = both_ways(tmp_path, *given)
    assert quickly == slowly
    assert len(quickly[2].splitlines()) <= 1
