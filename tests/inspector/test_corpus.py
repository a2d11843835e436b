"""The labelled runs of the original: all are read, most are understood, and no claim stands without its line."""

import time
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.diagnosis.engine import builtin_rules
from osiris_inspect.inspector.export.formats.json import document
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.run.report import Report
from tests.inspector.accuracy import BESIDE, CORPUS, RULES_OF, UNTOLD, Figures, labels, measure

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the labelled runs of the original are not on this machine"
)
SECRETS = ("plainpass9", "sig-FAKE-service-role")


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure()


@pytest.fixture(scope="module")
def reports() -> list[Report]:
    return [analyze(run) for run in find_runs(CORPUS)]


def test_every_run_is_read_and_told_within_a_minute() -> None:
    began = time.monotonic()
    told = document([analyze(run) for run in find_runs(CORPUS)])
    assert len(told["runs"]) >= 141
    assert time.monotonic() - began < 60


def test_status_is_right_for_98_of_100_runs(figures: Figures) -> None:
    assert figures.status_right >= 0.98 * figures.runs, figures.misses


def test_guilty_step_is_found_for_95_of_100_failed_runs(figures: Figures) -> None:
    assert figures.root_right >= 0.95 * figures.guilty, figures.misses


def test_clean_runs_raise_no_alarm(figures: Figures) -> None:
    assert figures.false_alarms == 0, figures.misses


def test_wrong_successes_carry_a_warning_at_the_right_step(figures: Figures) -> None:
    assert figures.wrong_successes_seen >= 0.8 * figures.wrong_successes, figures.misses


def test_patterns_of_the_labels_are_stated_in_90_of_100_runs(figures: Figures) -> None:
    assert figures.codes_stated >= 0.9 * figures.codes > 0, figures.misses


def test_every_pattern_of_the_labels_is_stated_by_a_rule_or_says_why_not() -> None:
    codes = {code for label in labels() for code in label["codes"]}
    assert codes <= {*RULES_OF, *BESIDE, *UNTOLD}
    assert not {*RULES_OF, *BESIDE} & set(UNTOLD)


def test_rules_that_state_a_pattern_are_there() -> None:
    there = {rule.id for rule in builtin_rules()}
    assert {rule for named in (*RULES_OF.values(), *BESIDE.values()) for rule in named} <= there


def test_every_quote_stands_in_its_line(reports: list[Report]) -> None:
    for told in reports:
        for finding in told.findings:
            for piece in finding.evidence:
                lines = (told.run.path / piece.file).read_bytes().split(b"\n")
                line = lines[piece.line - 1].decode("utf-8", "replace")
                assert piece.quote, (told.run.path, finding.id)
                assert piece.quote in line, (told.run.path, finding.id, str(piece))


def test_no_secret_of_a_run_is_told(reports: list[Report]) -> None:
    told = str(document(reports))
    assert not [secret for secret in SECRETS if secret in told]


def test_both_ends_of_each_edge_are_steps_and_agree_on_rows(reports: list[Report]) -> None:
    for told in reports:
        known = {step.id: step for step in told.run.steps}
        for edge in told.lineage.edges:
            assert edge.producer in known
            assert edge.consumer in known
            assert edge.rows_out == known[edge.producer].rows_out


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
def test_run_cut_anywhere_is_still_a_run(tmp_path: Path, cut: float) -> None:
    import shutil

    source = find_runs(CORPUS / "head057_local__p01_csv_ok")[0]
    copy = Path(shutil.copytree(source, tmp_path / source.name))
    log = copy / "events.jsonl"
    content = log.read_bytes()
    log.write_bytes(content[: int(len(content) * cut)])
    run = load(copy)
    assert run.status == "truncated"
    assert build_lineage(run).steps == run.steps
