"""The first word of a command line: a command, a path, or a typing error."""

from pathlib import Path

import pytest

from tests.cli.shell import osiris_inspect
from tests.samples import SAMPLES


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["sumarize", "."], 2, "no such command 'sumarize'; did you mean 'summarize'?"),
        (["evnts"], 2, "no such command 'evnts'; did you mean 'events'?"),
        (["componens", "list"], 2, "no such command 'componens'; did you mean 'components'?"),
        (["frobnicate", "x"], 2, "no such command 'frobnicate'; see osiris-inspect --help"),
        (
            ["frobnicate"],
            3,
            "'frobnicate': no such command, file or directory; see osiris-inspect --help",
        ),
        (["frobnicate/x"], 3, "'frobnicate/x': no such file or directory"),
        (["./sumarize"], 3, "'sumarize': no such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_word_that_is_no_command_and_no_path_is_named(
    words: list[str], code: int, says: str, tmp_path: Path
) -> None:
    done = osiris_inspect(*words, cwd=tmp_path)
    assert (done.code, done.out, done.err) == (code, "", f"osiris-inspect: {says}\n")


def test_folder_that_is_nearly_called_like_a_command_is_opened(tmp_path: Path) -> None:
    (tmp_path / "event").symlink_to(SAMPLES / "good_local")
    done = osiris_inspect("event", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("✓ run_")


@pytest.mark.parametrize("words", [[], ["why"], ["components", "show"]], ids=str)
def test_help_is_a_word_too(words: list[str], tmp_path: Path) -> None:
    asked = osiris_inspect("help", *words, cwd=tmp_path)
    assert asked == osiris_inspect(*words, "--help", cwd=tmp_path)
    assert asked.code == 0


def test_help_fills_the_lines_of_the_terminal(tmp_path: Path) -> None:
    told = osiris_inspect(
        "events", "--help", cwd=tmp_path, env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    ).out
    assert (
        "Relative times count from the end of the log. Secrets are masked, except with --raw --unmasked. No match is not an error"
        in told
    )
