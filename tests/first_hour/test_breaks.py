"""Working files, each broken in one way: the answer must name the true cause and a right next step."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.shell import Done
from tests.first_hour import prepared
from tests.first_hour.program import Call, Program, start
from tests.runtime.servers.mariadb import MariaDb
from tests.runtime.servers.places import folder_of
from tests.runtime.servers.postgres import Postgres

Break = Mapping[str, Any]
_FINDING = re.compile(r"osiris-inspect: (?:cause|!) (?P<rule>[\w-]+) (?P<text>.*)")
_FIX = "osiris-inspect:     fix  "


def breaks() -> list[Break]:
    """Return the breaks, in the order of the file."""
    loaded: list[Break] = yaml.safe_load(Path(__file__).with_name("breaks.yaml").read_text(encoding="utf-8"))
    return loaded


def cases(*, files: str, is_run: bool) -> Any:
    """Return the breaks of files as parameters: those that a run answers, or all others."""
    is_open = pytest.mark.xfail(reason="answered wrongly")
    chosen = [
        each
        for each in breaks()
        if each.get("files", "starter") == files and (each.get("by", "run") == "run") == is_run
    ]
    parameters = [
        pytest.param(each, id=each["name"], marks=is_open if each.get("open") else ()) for each in chosen
    ]
    return pytest.mark.parametrize("case", parameters)


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    with start() as program:
        yield program


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may enter; those of pytest are closed."""
    with folder_of(None) as parent:
        parent.chmod(0o755)
        (parent / "work").mkdir()
        yield parent / "work"


@cases(files="starter", is_run=False)
def test_answer_to_broken_starter_names_the_cause(case: Break, folder: Path, program: Program) -> None:
    judge_starter(case, folder, program)


@pytest.mark.sampled(6)
@cases(files="starter", is_run=True)
def test_failed_run_of_starter_names_the_cause(case: Break, folder: Path, program: Program) -> None:
    judge_starter(case, folder, program)


@cases(files="databases", is_run=False)
def test_answer_to_broken_database_pipeline_names_the_cause(
    case: Break, folder: Path, program: Program, mariadb: MariaDb, postgres: Postgres
) -> None:
    judge_databases(case, folder, program, mariadb, postgres)


@pytest.mark.sampled(6)
@cases(files="databases", is_run=True)
def test_failed_run_of_database_pipeline_names_the_cause(
    case: Break, folder: Path, program: Program, mariadb: MariaDb, postgres: Postgres
) -> None:
    judge_databases(case, folder, program, mariadb, postgres)


def test_unbroken_database_pipeline_succeeds(
    folder: Path, program: Program, mariadb: MariaDb, postgres: Postgres
) -> None:
    prepared.databases(folder, mariadb, postgres)
    assert program.call(Call(["lint", "pipeline.yaml"], str(folder))).out == ""
    done = program.call(Call(["run", "pipeline.yaml", "--quiet"], str(folder)))
    assert (done.code, done.err) == (0, "")
    assert postgres.rows("SELECT * FROM directors ORDER BY 1") == [("Tarkovsky", 2), ("Varda", 1)]


def judge_starter(case: Break, folder: Path, program: Program) -> None:
    """Break the files of ``init`` and judge the answer."""
    prepared.starter(folder, program)
    judge(case, answer(case, folder, program, _broken(case, folder)), folder, program)


def judge_databases(
    case: Break, folder: Path, program: Program, mariadb: MariaDb, postgres: Postgres
) -> None:
    """Break the pipeline between databases and judge the answer."""
    prepared.databases(folder, mariadb, postgres)
    change = _broken(case, folder)
    postgres.run(*change.get("postgres", ()))
    postgres.run(*change.get("postgres_as_root", ()), user="root")
    judge(case, answer(case, folder, program, change), folder, program)


def _broken(case: Break, folder: Path) -> Mapping[str, Any]:
    """Break the files of the folder and return what differs in the call."""
    for name in case.get("folders", ()):
        (folder / name).mkdir()
    for name, content in case.get("write", {}).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for edit in case.get("edit", ()):
        file, old, new = edit if len(edit) == 3 else ("pipeline.yaml", *edit)
        text = (folder / file).read_text()
        assert old in text, f"{file} does not contain {old!r}"
        (folder / file).write_text(text.replace(old, new))
    if "append" in case:
        with (folder / "pipeline.yaml").open("a") as file:
            file.write(case["append"])
    for name in case.get("remove", ()):
        (folder / name).unlink()
    change = prepared.PREPARATIONS[case["prepare"]](folder) if "prepare" in case else {}
    for old, new in change.get("texts", {}).items():
        (folder / "pipeline.yaml").write_text((folder / "pipeline.yaml").read_text().replace(old, new))
    return change


def answer(case: Break, folder: Path, program: Program, change: Mapping[str, Any]) -> Done:
    """Call the command of a case."""
    by, pipeline = case.get("by", "run"), change.get("pipeline", "pipeline.yaml")
    words = by if isinstance(by, list) else [by, pipeline, *case.get("words", ()), *change.get("words", ())]
    special = {
        key: value for key, value in change.items() if key in Call.__dataclass_fields__ and key != "words"
    }
    if "before" in change:
        assert program.call(Call(change["before"], str(folder))).code == 0
    return program.call(Call(words, str(folder), **special))


def judge(case: Break, done: Done, folder: Path, program: Program) -> None:
    """Assert that the first line has the cause, that it or the fix has the next step, and that `why` agrees."""
    shown = f"{case['mistake']}\n{done.out}{done.err}"
    assert "Traceback" not in shown
    assert done.code == case.get("exit", 1), shown
    cause, fix = first_line(done)
    assert "unexplained-failure" not in shown, shown
    if not case.get("cause"):
        assert not cause, shown
        return
    assert_contains(cause, case["cause"], shown)
    assert_contains(f"{cause} {fix}", case["fix"], shown)
    for pattern in case.get("never", ()):
        assert not re.search(pattern, f"{cause} {fix}", re.IGNORECASE), shown
    if "cause " in done.err and _FINDING.search(done.err) and done.code == 1:
        why = program.call(Call(["why", "@failed"], str(folder)))
        assert why.code == 0, why.err
        assert_contains(" ".join((why.out + why.err).split()), case["cause"], shown + why.out)


def assert_contains(text: str, patterns: list[str], shown: str) -> None:
    """Assert that a text has a match of each pattern."""
    missing = [pattern for pattern in patterns if not re.search(pattern, text, re.IGNORECASE)]
    assert not missing, f"lacks {missing}: {text!r}\n{shown}"


def first_line(done: Done) -> tuple[str, str]:
    """Return the line with the cause, without the name of its rule, and that of the fix."""
    lines = (done.out if done.out and not done.err else done.err).splitlines()
    for number, line in enumerate(lines):
        finding = _FINDING.fullmatch(line)
        if finding is not None:
            following = lines[number + 1] if number + 1 < len(lines) else ""
            return finding["text"], following.removeprefix(_FIX) if following.startswith(_FIX) else ""
    messages = [line for line in lines if line.startswith("osiris-inspect: ")]
    if not messages and done.code == 0 and done.err:
        return "", ""  # the steps of a run that succeeded
    plain = messages or [line for line in lines if not line.startswith("  ")]
    return (plain[0], "") if plain else ("", "")
