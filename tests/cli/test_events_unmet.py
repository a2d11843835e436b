"""A filter that keeps nothing: a name in it that no event has is said, and it is no error."""

from pathlib import Path

import pytest

from tests.cli.shell import Done, osiris_inspect
from tests.inspector.test_index import many
from tests.samples import SAMPLES

RUN = SAMPLES / "original_nonetype" / "run_1759170586030"


def events(*words: str | Path, cwd: Path) -> Done:
    return osiris_inspect("events", *words, cwd=cwd, env={"XDG_CACHE_HOME": str(cwd / "cache")})


@pytest.mark.parametrize(
    ("filter_", "says"),
    [
        ("nope=1", "no event has a field 'nope'; there are 'adapter', "),
        ("rows_procesed>3", "no event has a field 'rows_procesed'; did you mean 'rows_processed'?"),
        ("not side=x (nope=1 or nope.x=1)", "no event has a field 'nope'; "),
        ("event=step_faild", "no event is called 'step_faild'; did you mean 'step_failed'"),
        ("event=stop_*", "no event is called 'stop_*'; "),
        (
            "event=step_failed step=nix",
            "no event has a step called 'nix'; there are 'compute-director-stats', ",
        ),
        ("step_id~nix", "no event has a step with 'nix' in its name; there are 'compute-"),
        ("event~step_.*", "~ matches literal text"),
    ],
)
def test_a_name_that_no_event_has_is_said(filter_: str, says: str, tmp_path: Path) -> None:
    done = events(RUN, filter_, cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert f"osiris-inspect: {says}" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ["event=step_failed or nope=1"],
        ["nope!=1", "-n", "1"],
        ["rows>1000000"],
        ["text~nothing-holds-this"],
        ["nope=1", "-n", "0"],
        ["event=step_failed", "driver=other"],
        ["event=STEP_FAILED", "seq=999"],
    ],
    ids=" ".join,
)
def test_nothing_is_said_where_something_is_kept_or_every_name_is_known(
    words: list[str], tmp_path: Path
) -> None:
    done = events(RUN, *words, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")


def test_a_log_without_events_says_nothing_of_names(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").touch()
    assert events(tmp_path / "events.jsonl", "nope=1", cwd=tmp_path) == Done(0, "", "")


@pytest.fixture
def long_log(tmp_path: Path) -> Path:
    log = tmp_path / "events.jsonl"
    log.write_bytes(many(30_000))
    return log


def test_of_a_long_log_the_names_of_its_index_are_known(long_log: Path, tmp_path: Path) -> None:
    assert events(long_log, "event=long", "seq=1", cwd=tmp_path).code == 0
    assert events(long_log, "since=-1s", "-n", "1", cwd=tmp_path).code == 0
    assert list((tmp_path / "cache").rglob("*.index"))
    done = events(long_log, "event=heartbeet", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert "osiris-inspect: no event is called 'heartbeet'; did you mean 'heartbeat'?\n" in done.err


def test_of_a_long_log_without_an_index_only_its_ends_are_looked_at(long_log: Path, tmp_path: Path) -> None:
    done = events(long_log, "event=heartbeet", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "osiris-inspect: at both ends of the log no event is called 'heartbeet'; did you mean 'heartbeat'?\n"
    )
    assert not list((tmp_path / "cache").rglob("*.index"))


def test_a_field_that_the_middle_of_a_long_log_may_have_is_not_denied(long_log: Path, tmp_path: Path) -> None:
    done = events(long_log, "noet=x", cwd=tmp_path)
    assert "at both ends of the log no event has a field 'noet'; did you mean 'note'?\n" in done.err
