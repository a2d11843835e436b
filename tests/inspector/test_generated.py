"""Faults put into the real runtime: the guilty step is found, and runs without a fault raise nothing."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector.accuracy import Figures, measure, runs_of_generated
from tests.inspector.generated import FAULTS, NOISES, STORAGES, TOPOLOGIES, Case, clean, make, some

FEW, FEW_CLEAN = 2 * len(FAULTS), 300


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    return measure(runs_of_generated(tmp_path_factory.mktemp("generated"), FEW))


def test_the_corpus_spans_faults_topologies_storages_and_noises() -> None:
    chosen = some(FEW)
    assert len(FAULTS) >= 20
    assert {case.fault.name for case in chosen} == {fault.name for fault in FAULTS}
    assert {case.topology for case in chosen} == set(TOPOLOGIES)
    assert {case.storage for case in chosen} == set(STORAGES)
    assert {case.noise for case in chosen} == set(NOISES)


def test_guilty_step_is_found_for_95_of_100_faults(figures: Figures) -> None:
    assert figures.step_right >= 0.95 * figures.failed, figures.misses


def test_cause_is_right_for_95_of_100_faults(figures: Figures) -> None:
    assert figures.cause_right >= 0.95 * figures.failed, figures.misses


def test_nothing_wrong_is_said_with_high_confidence(figures: Figures) -> None:
    assert figures.confidently_wrong == 0, figures.misses


def test_status_is_right_whatever_the_noise(figures: Figures) -> None:
    assert figures.status_right == figures.runs, figures.misses


def test_successes_that_are_none_carry_a_warning(figures: Figures) -> None:
    assert figures.noticed == figures.wrong_successes > 0, figures.misses


def test_each_quote_stands_in_its_line(figures: Figures) -> None:
    assert figures.quotes_found == figures.quotes > 0, figures.misses


def test_it_beats_what_a_person_would_look_at_first(figures: Figures) -> None:
    assert figures.step_right > max(figures.guesses_right.values())


def alarms(folder: Path, chosen: Iterable[Case]) -> list[str]:
    """The runs that should have raised nothing and did."""
    found = []
    for number, case in enumerate(chosen):
        told = analyze(make(case, folder, number))
        bad = [finding.id for finding in told.findings if finding.severity != "note"]
        if bad or told.run.status != "success":
            found.append(f"{case.name}: {told.run.status} {bad}")
    return found


@pytest.mark.sampled(18)
@pytest.mark.parametrize("part", range(9))
def test_runs_without_a_fault_raise_no_alarm(tmp_path: Path, part: int) -> None:
    assert alarms(tmp_path, [*clean(FEW_CLEAN)][part::9]) == []
