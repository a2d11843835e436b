"""What does not matter does not matter: a run that is changed in its names, days, ends of lines or company is told alike."""

import random
from pathlib import Path

import pytest

from osiris_inspect.inspector.analysis.analyze import analyze
from tests.inspector import mutated, test_rules
from tests.inspector.accuracy import CORPUS
from tests.inspector.mutated import CHANGES, Subject, lay, new_names, verdict
from tests.inspector.proofs import VARIANTS

SUBJECTS = mutated.subjects()
OF_THE_WORKER = ("config-missing", "input-name-mismatch")
"""Rules whose text names another step, or needs more than a text."""
CUTS = 8
"""Places at which each good run is cut."""
GOOD = [subject for subject in SUBJECTS if subject.is_good]
REMOTE = [subject for subject in GOOD if subject.is_remote]


def each(subjects: list[Subject]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("subject", subjects, ids=lambda subject: subject.name)


@pytest.mark.skipif(not CORPUS.exists(), reason="the labelled runs of the original are not on this machine")
def test_labelled_runs_are_among_the_subjects() -> None:
    assert len(SUBJECTS) >= 141


@each(SUBJECTS)
def test_changes_that_do_not_matter_change_no_verdict(tmp_path: Path, subject: Subject) -> None:
    files = subject.files()
    told = verdict(analyze(subject.path))
    for number, (name, change) in enumerate(CHANGES.items()):
        changed = lay(change(files), tmp_path / str(number), subject.path.name)
        assert verdict(analyze(changed)) == told, name


@each(SUBJECTS)
def test_steps_by_another_name_are_told_by_that_name(tmp_path: Path, subject: Subject) -> None:
    before = analyze(subject.path)
    names = new_names(before)
    changed = lay(mutated.renamed(subject.files(), names), tmp_path, subject.path.name)
    assert verdict(analyze(changed)) == verdict(before, names)


@each(GOOD)
def test_good_run_cut_early_is_cut_off_at_the_step_that_was_running(tmp_path: Path, subject: Subject) -> None:
    for number, cut in enumerate(mutated.cuts(subject.files(), CUTS)):
        told = analyze(lay(cut.files, tmp_path / str(number), subject.path.name))
        cause = told.root_cause
        assert told.run.status == "truncated", f"after line {cut.lines}"
        assert cause is not None
        assert (cause.rule, cause.step) == ("run-truncated", cut.running), f"after line {cut.lines}"


@each(REMOTE)
def test_remote_run_that_was_given_up_is_cut_off_at_the_silent_step(tmp_path: Path, subject: Subject) -> None:
    for number, cut in enumerate(mutated.given_up(subject.files())):
        told = analyze(lay(cut.files, tmp_path / str(number), subject.path.name))
        cause = told.root_cause
        assert told.run.status == "truncated"
        assert cause is not None
        assert (cause.rule, cause.step) == ("step-timeout", cut.running)
        assert "run-truncated" in {finding.rule for finding in told.findings}


@each([subject for subject in GOOD if subject.is_original])
def test_error_at_any_step_of_any_version_is_told_at_that_step(tmp_path: Path, subject: Subject) -> None:
    chance = random.Random(subject.name)
    errors = [
        entry
        for entry in (*test_rules.ERRORS, *VARIANTS)
        # a step without rows before it is the cause of an error about a frame without columns
        if entry[0] not in (*OF_THE_WORKER, "frame-without-columns")
    ]
    files = subject.files()
    rule, error = chance.choice(errors)
    if rule == "dependency-missing":  # a package that the run lists as present is not called missing
        rule, error = chance.choice([entry for entry in errors if entry[0] != rule])
    for number, cut in enumerate(mutated.failing_instead(files, error)):
        told = analyze(lay(cut.files, tmp_path / str(number), subject.path.name))
        cause = told.root_cause
        assert told.run.status == "failed", f"after line {cut.lines}"
        assert cause is not None
        assert (cause.step, cause.stage) == (cut.running, "step"), error
        assert rule in {finding.rule for finding in told.findings}, error
