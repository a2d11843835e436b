"""The labelled runs of the original: all are read, most are understood, and no claim stands without its line."""

import time
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.export.formats.json import document
from osiris_inspect.inspector.files.find_runs import find_runs
from osiris_inspect.inspector.reader.loader import load
from osiris_inspect.inspector.run.lineage import build_lineage
from osiris_inspect.inspector.run.report import Report
from tests.inspector.accuracy import CORPUS, Figures, answers, measure, runs_of_corpus
from tests.inspector.mutated import labels

pytestmark = pytest.mark.skipif(
    not CORPUS.exists(), reason="the labelled runs of the original are not on this machine"
)
SECRETS = ("plainpass9", "sig-FAKE-service-role")


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure(runs_of_corpus())


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


def test_guilty_step_is_right_for_98_of_100_failures(figures: Figures) -> None:
    assert figures.step_right >= 0.98 * figures.failed > 0, figures.misses


def test_cause_is_right_for_92_of_100_failures(figures: Figures) -> None:
    assert figures.cause_right >= 0.92 * figures.failed, figures.misses


def test_1_cause_of_100_is_confidently_wrong(figures: Figures) -> None:
    assert figures.confidently_wrong <= 0.01 * figures.failed, figures.misses


def test_95_of_100_wrong_successes_are_noticed(figures: Figures) -> None:
    assert figures.noticed >= 0.95 * figures.wrong_successes > 0, figures.misses


def test_clean_runs_raise_no_error(figures: Figures) -> None:
    assert figures.clean > 0
    assert figures.clean_with_error == 0, figures.misses


def test_3_clean_runs_of_100_raise_a_warning(figures: Figures) -> None:
    assert figures.clean_with_warning <= 0.03 * figures.clean, figures.misses


def test_no_successful_run_carries_a_false_alarm(figures: Figures) -> None:
    assert figures.false_alarms == 0, figures.misses


def test_there_is_an_answer_for_each_run_of_the_corpus() -> None:
    expected = {(label["case"], label["run"], label["truth"]) for label in labels()}
    assert {(line["case"], line["run"], line["truth"]) for line in answers("corpus")} == expected


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
