"""Settings: the file, the environment over it, a flag over both; and who says what holds."""

import json
from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.making import CHAIN, failing_locally, run_dir


def inspect(*words: str, folder: Path, **variables: str) -> Done:
    return osiris_inspect(*words, cwd=folder, env={"XDG_CONFIG_HOME": str(folder / "config"), **variables})


def write(folder: Path, text: str) -> Path:
    file = folder / "config/osiris-inspect/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize("reader", [(), ("--",)], ids=["quick", "typer"])
@pytest.mark.parametrize(
    ("text", "variable", "flag", "code"),
    [
        ("", "", "", 1),
        ('fail_on = "never"', "", "", 0),
        ("", "never", "", 0),
        ('fail_on = "never"', "error", "", 1),
        ('fail_on = "error"', "never", "", 0),
        ('fail_on = "never"', "never", "error", 1),
        ("", "error", "never", 0),
    ],
)
def test_flag_counts_more_than_a_variable_and_that_more_than_the_file(
    tmp_path: Path, text: str, variable: str, flag: str, code: int, reader: tuple[str, ...]
) -> None:
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN)
    write(tmp_path, text)
    words = ("summarize", "logs", *(("--fail-on", flag) if flag else ()), *reader)
    done = inspect(*words, folder=tmp_path, OSIRIS_INSPECT_FAIL_ON=variable)
    assert (done.code, done.err) == (code, "")


@pytest.mark.parametrize("words", [("summarize", "logs"), ("summarize", "logs", "--"), ("config", "show")])
@pytest.mark.parametrize(
    ("text", "variable", "says"),
    [
        (
            'fail_on = "sometimes"',
            "",
            "config.toml': fail_on is 'sometimes'; choose from error, warning, never",
        ),
        ("fail_on = 3", "", "fail_on is 3"),
        ("fail_on =", "", "config.toml' cannot be read"),
        ('fail_off = "never"', "", "unknown key 'fail_off'; choose from color, fail_on"),
        ("", "sometimes", "OSIRIS_INSPECT_FAIL_ON is 'sometimes'; choose from error, warning, never"),
    ],
)
def test_setting_that_cannot_be_is_named_with_its_place(
    tmp_path: Path, words: tuple[str, ...], text: str, variable: str, says: str
) -> None:
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN)
    write(tmp_path, text)
    done = inspect(*words, folder=tmp_path, OSIRIS_INSPECT_FAIL_ON=variable)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert says in done.err


def test_wrong_setting_keeps_nobody_from_help_or_from_other_commands(tmp_path: Path) -> None:
    run_dir(tmp_path / "logs", failing_locally("boom"), steps=CHAIN)
    write(tmp_path, "fail_on =")
    for words in (("--help",), ("summarize", "--help"), ("runs", "logs")):
        assert inspect(*words, folder=tmp_path).code == 0


def test_what_holds_is_shown_with_what_says_so(tmp_path: Path) -> None:
    file = write(tmp_path, 'min_confidence = "high"\n\n[keys]\nquit = "x"\n')
    done = inspect("config", "show", "--origin", folder=tmp_path, OSIRIS_INSPECT_COLOR="never")
    assert done.out.splitlines() == [
        f"# {file}",
        'color = "never"  # OSIRIS_INSPECT_COLOR',
        'fail_on = "error"  # default',
        f'min_confidence = "high"  # {file}',
    ]
    told = json.loads(inspect("config", "show", "--json", folder=tmp_path).out)
    assert told["fail_on"] == {"value": "error", "origin": "default", "place": ""}


def test_what_is_shown_can_be_written_to_the_file(tmp_path: Path) -> None:
    shown = inspect("config", "show", "--origin", folder=tmp_path, OSIRIS_INSPECT_FAIL_ON="warning").out
    write(tmp_path, shown)
    told = json.loads(inspect("config", "show", "--json", folder=tmp_path).out)
    assert (told["fail_on"]["value"], told["fail_on"]["origin"]) == ("warning", "file")


def test_folder_of_settings_that_cannot_be_searched_is_one_line(tmp_path: Path) -> None:
    folder = "x" * 300  # which the system refuses, also for root
    done = osiris_inspect("summarize", "logs", cwd=tmp_path, env={"XDG_CONFIG_HOME": str(tmp_path / folder)})
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(
        "cannot be read: file name too long; set XDG_CONFIG_HOME to a folder of this user\n"
    )
    assert len(done.err.splitlines()) == 1
