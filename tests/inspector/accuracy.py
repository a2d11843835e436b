"""How right the diagnosis is, by answers in words: ``python -m tests.inspector.accuracy [CORPUS]``.

Judges runs of the original, runs around error texts, and runs of our own runtime with a fault in each. Beside it stands
what simpler ways to look would have found: the error text of the first failed step, that step, the last line with an
error, and the recipe of the first authors, who grep for ``inputs_resolved`` and ``rows_out``.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.model.finding import Finding
from tests.inspector import generated, text_runs
from tests.inspector.grading import (
    LAST_RESORT,
    Answer,
    Grade,
    alarms,
    count_stated,
    grade,
    is_false,
    is_guilty,
    is_justified,
    is_noticed,
    is_sure,
)
from tests.inspector.text_runs import ErrorText

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
ANSWERS = Path(__file__).parent / "answers"
WITH_A_FAULT, CLEAN = 8 * len(generated.FAULTS), 60

Half = Literal["dev", "validation"]
"""The rules are written with the texts of dev in view, and without those of validation."""


@dataclass
class Figures:
    """Counts over the runs of one set, and the runs that were judged wrongly."""

    runs: int = 0
    status_right: int = 0
    failed: int = 0
    step_right: int = 0
    grades: Counter[Grade] = field(default_factory=Counter)
    by_confidence: dict[str, Counter[Grade]] = field(default_factory=dict)
    confidently_wrong: int = 0
    unexplained: int = 0
    raw_right: int = 0
    guesses_right: Counter[str] = field(default_factory=Counter)
    wrong_successes: int = 0
    noticed: int = 0
    clean: int = 0
    clean_with_error: int = 0
    clean_with_warning: int = 0
    false_alarms: int = 0
    quotes: int = 0
    quotes_found: int = 0
    misses: list[str] = field(default_factory=list, repr=False)

    @property
    def cause_right(self) -> int:
        """How many causes are right."""
        return self.grades["right"]

    def at(self, confidence: str) -> tuple[int, int]:
        """How many causes of a confidence are right, and how many there are."""
        counts = self.by_confidence.get(confidence, Counter())
        return counts["right"], counts.total()


def answers(name: str) -> list[dict[str, Any]]:
    """The lines of a file of answers."""
    return [json.loads(line) for line in (ANSWERS / f"{name}.jsonl").read_text("utf-8").splitlines()]


def runs_of_corpus(corpus: Path = CORPUS) -> Iterator[tuple[Answer, Path]]:
    """Each run of the original."""
    for line in answers("corpus"):
        yield answer_from(line, name=line["case"]), corpus / line["case"] / line["run"]


def runs_of_texts(half: Half, folder: Path) -> Iterator[tuple[Answer, Path]]:
    """Each run around an error text, built below ``folder``."""
    for line in answers(f"texts_{half}"):
        built = text_runs.build(ErrorText(**_fields_of(ErrorText, line)), folder)
        texts = [line["text"], *(cause["message"] for cause in line.get("causes", ()))]
        yield (
            answer_from(
                {"true_claims": (), **line},
                name=line["id"],
                truth="failed",
                roots=[built.guilty],
                error_text=" ".join(texts),
            ),
            built.path,
        )


def runs_of_generated(folder: Path, most: int, clean: int = 0) -> Iterator[tuple[Answer, Path]]:
    """At most so many runs with a fault, and so many without."""
    for number, case in enumerate([*generated.some(most), *generated.clean(clean)]):
        yield case.answer, generated.make(case, folder, number)


def answer_from(line: Mapping[str, Any], **more: Any) -> Answer:
    return Answer(**_fields_of(Answer, {**line, **more}))


def _fields_of(kind: type[Answer | ErrorText], line: Mapping[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    return {key: value for key, value in line.items() if key in names}


def measure(labelled: Iterable[tuple[Answer, Path]]) -> Figures:
    """Diagnose and judge each run."""
    figures = Figures()
    for answer, path in labelled:
        judge(figures, answer, analyze(path))
    return figures


def judge(figures: Figures, answer: Answer, report: Report) -> None:
    """Count one run."""
    status_right = answer.allows(report.run.status)
    figures.runs += 1
    figures.status_right += status_right
    if not status_right:
        figures.misses.append(f"{answer.name}: status {report.run.status}, truth {answer.truth}")
    _judge_quotes(figures, answer, report)
    if answer.truth == "success":
        _judge_clean(figures, answer, report)
    elif answer.truth == "success_but_wrong":
        _judge_wrong_success(figures, answer, report)
    else:
        _judge_cause(figures, answer, report)


def _judge_clean(figures: Figures, answer: Answer, report: Report) -> None:
    raised = [finding for finding in alarms(report.findings) if not is_justified(answer, finding)]
    errors = [finding for finding in raised if finding.severity == "error"]
    figures.clean += 1
    figures.clean_with_error += bool(errors)
    figures.clean_with_warning += len(raised) > len(errors)
    figures.false_alarms += any(is_false(answer, finding) for finding in alarms(report.findings))
    figures.misses += [f"{answer.name}: clean, but {_line(finding)}" for finding in raised]


def _judge_wrong_success(figures: Figures, answer: Answer, report: Report) -> None:
    noticed = is_noticed(answer, report.findings)
    figures.wrong_successes += 1
    figures.noticed += noticed
    figures.false_alarms += any(is_false(answer, finding) for finding in alarms(report.findings))
    if not noticed:
        figures.misses.append(f"{answer.name}: green, but wrong, and not noticed at {answer.roots[0]}")


def _judge_cause(figures: Figures, answer: Answer, report: Report) -> None:
    cause, run = report.root_cause, report.run
    verdict = grade(answer, cause)
    confidence = str(cause.confidence) if cause else "no cause"
    step_right = cause is not None and is_guilty(answer, cause)
    figures.failed += 1
    figures.step_right += step_right
    figures.grades[verdict] += 1
    figures.by_confidence.setdefault(confidence, Counter())[verdict] += 1
    figures.confidently_wrong += verdict == "wrong" and is_sure(cause)
    figures.unexplained += cause is None or cause.rule == LAST_RESORT
    figures.raw_right += count_stated(answer.must_say, first_error(run)) == len(answer.must_say)
    for name, guess in GUESSES.items():
        figures.guesses_right[name] += guess(run) in answer.roots
    if verdict != "right" or not step_right:
        told = _line(cause) if cause else "no cause"
        figures.misses.append(f"{answer.name}: {verdict}, {confidence}, {told}")


def _judge_quotes(figures: Figures, answer: Answer, report: Report) -> None:
    """Every quote must stand in the line it names."""
    files: dict[str, list[bytes]] = {}
    for finding in report.findings:
        for piece in finding.evidence:
            if piece.file not in files:
                files[piece.file] = (report.run.path / piece.file).read_bytes().split(b"\n")
            line = files[piece.file][piece.line - 1].decode("utf-8", "replace")
            is_there = bool(piece.quote) and piece.quote in line
            figures.quotes += 1
            figures.quotes_found += is_there
            if not is_there:
                figures.misses.append(f"{answer.name}: {finding.id} quotes what is not at {piece}")


def _line(finding: Finding) -> str:
    return f"{finding.rule} at {finding.step or finding.stage}: {' '.join(finding.message.split())[:200]}"


def first_error(run: Run) -> str:
    """The error text of the first failed step, else the first error text."""
    errors = [event.error for event in (*run.events_named("step_failed"), *run.key_events) if event.error]
    return errors[0] if errors else ""


def first_failed_step(run: Run) -> str | None:
    """The step of the first line that tells of a failure."""
    failed = run.events_named("step_failed")
    return failed[0].step if failed else None


def last_error_line(run: Run) -> str | None:
    """The step of the last line with an error, or the one that its text names."""
    errors = [event for event in run.key_events if event.error is not None]
    if not errors:
        return None
    named = (step.id for step in run.steps if f"'{step.id}'" in (errors[-1].error or ""))
    return errors[-1].step or next(named, None)


def by_grep(run: Run) -> str | None:
    """The recipe of the first authors: who lacks ``inputs_resolved``, and which step before it lacks ``rows_out``."""
    gave = {event.step for event in run.events_named("rows_out")}
    got = {event.step for event in run.events_named("inputs_resolved")}
    for step in run.steps:
        if step.needs and step.id not in got:
            return next((need for need in step.needs if need not in gave), step.id)
    return next((step.id for step in run.steps if not step.is_writer and step.id not in gave), None)


GUESSES: Mapping[str, Callable[[Run], str | None]] = {
    "first failed step": first_failed_step,
    "last error line": last_error_line,
    "grep recipe": by_grep,
}


def lines(title: str, figures: Figures) -> Iterator[str]:
    """The figures for people."""

    def part(count: int, of: int) -> str:
        return f"{count} of {of}" + (f" ({count / of:.1%})" if of else "")

    yield title
    yield f"  status               {part(figures.status_right, figures.runs)}"
    yield f"  guilty step          {part(figures.step_right, figures.failed)}"
    yield f"  cause right          {part(figures.cause_right, figures.failed)}"
    for verdict in ("partly", "none", "wrong"):
        yield f"  cause {verdict:<14} {part(figures.grades[verdict], figures.failed)}"
    yield f"  confidently wrong    {part(figures.confidently_wrong, figures.failed)}"
    yield f"  only quoted          {part(figures.unexplained, figures.failed)}"
    for confidence in ("high", "medium", "low"):
        yield f"  right at {confidence:<11} {part(*figures.at(confidence))}"
    if figures.wrong_successes:
        yield f"  green but wrong      {part(figures.noticed, figures.wrong_successes)} noticed"
    if figures.clean:
        yield f"  clean with an error  {part(figures.clean_with_error, figures.clean)}"
        yield f"  clean with a warning {part(figures.clean_with_warning, figures.clean)}"
    if figures.clean or figures.wrong_successes:
        alarming = figures.clean + figures.wrong_successes
        yield f"  green, false alarm   {part(figures.false_alarms, alarming)}"
    yield f"  quotes found         {part(figures.quotes_found, figures.quotes)}"
    yield f"  beside it: text of the first error {part(figures.raw_right, figures.failed)} causes"
    for name, right in figures.guesses_right.items():
        yield f"  beside it: {name:<23} {part(right, figures.failed)} steps"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=CORPUS, help="runs of the original")
    corpus = parser.parse_args().corpus
    with tempfile.TemporaryDirectory() as folder:
        if corpus.exists():
            _print("runs of the original", measure(runs_of_corpus(corpus)))
        else:
            print(f"runs of the original: skipped, {corpus} is not there")
        _print("error texts, dev", measure(runs_of_texts("dev", Path(folder, "dev"))))
        hidden = measure(runs_of_texts("validation", Path(folder, "validation")))
        hidden.misses.clear()  # who writes rules must not see them
        _print("error texts, validation", hidden)
        made = runs_of_generated(Path(folder, "generated"), WITH_A_FAULT, CLEAN)
        _print("generated runs", measure(made))


def _print(title: str, figures: Figures) -> None:
    print("\n".join([*figures.misses, *lines(title, figures), ""]), flush=True)


if __name__ == "__main__":
    main()
