"""How often status, guilty step and cause are right: ``python -m tests.inspector.accuracy [CORPUS] [--generated N]``.

Judged on labelled runs of the original and on runs of our own runtime with a fault in each, beside what three simpler
ways to look for the guilty step would have said: the first failed step, the last line with an error, and the recipe of
the first authors, who grep for ``inputs_resolved`` and ``rows_out``.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from osiris_inspect.inspector.analysis.analyze import analyze
from osiris_inspect.inspector.run.report import Report
from osiris_inspect.inspector.run.run import Run

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
LAST_RESORT = "unexplained-failure"
_STATUS = {"success_but_wrong": "success"}
_PREPARE = {"(worker start)", "(preflight)", "(prepare)"}
_OF_SECRETS = ("secret-in-artifact", "secret-in-log")

RULES_OF: Mapping[str, tuple[str, ...]] = {
    "D01": ("input-not-found", "output-missing", "frame-dropped-from-cache"),
    "D02": ("input-name-mismatch",),
    "D03": ("input-name-mismatch",),
    "D04": ("input-not-found",),
    "D05": ("input-not-found", "need-not-passed", "input-from-other-step"),
    "D06": ("spill-write-failed",),
    "D07": ("spill-file-unreadable",),
    "D08": ("output-key-wrong", "output-missing"),
    "D09": ("input-not-found", "need-unknown", "steps-out-of-order"),
    "D10": ("input-key-wrong",),
    "D11": ("need-not-passed", "input-name-mismatch"),
    "D12": ("input-overwritten",),
    "D13": ("writer-took-first-input",),
    "D14": ("step-ids-collide",),
    "D15": ("zero-rows-from-source",),
    "D16": ("all-rows-lost",),
    "D17": ("frame-without-columns",),
    "D18": ("write-failed",),
    "D19": ("input-from-other-step",),
    "D20": ("row-count-changed",),
    "D21": ("query-not-run",),
    "M01": ("need-unknown",),
    "M02": ("steps-out-of-order",),
    "M03": ("pipeline-cycle",),
    "M04": ("duplicate-step-id",),
    "M05": ("path-outside-run",),
    "M06": ("unknown-component",),
    "M07": ("config-key-unknown",),
    "M08": ("secret-inline",),
    "M09": ("parameter-unresolved",),
    "M10": ("pipeline-unreadable",),
    "M11": ("config-value-missing",),
    "M12": ("config-missing",),
    "M13": ("config-missing",),
    "M14": ("mode-unsupported",),
    "M15": ("config-value-missing",),
    "C01": ("environment-variable-missing",),
    "C02": ("connection-unresolved",),
    "C03": ("connection-unresolved",),
    "C04": ("connection-unresolved",),
    "C05": ("connection-unresolved",),
    "C06": ("authentication-failed", "connection-failed"),
    "C07": ("connection-refused", "connection-failed"),
    "C08": ("host-not-found", "connection-failed"),
    "C09": ("connection-failed",),
    "C10": ("password-not-escaped", "connection-failed"),
    "C11": ("permission-denied",),
    "C12": ("config-value-missing",),
    "C13": ("file-missing",),
    "S01": ("table-missing", "column-missing"),
    "S02": ("sql-syntax",),
    "S03": ("percent-in-sql",),
    "S04": ("file-missing",),
    "S05": ("path-is-directory",),
    "S06": ("encoding-wrong",),
    "S07": ("csv-ragged",),
    "S08": ("column-missing",),
    "T01": ("sql-syntax",),
    "T02": ("column-missing",),
    "T03": ("query-failed",),
    "T04": ("out-of-memory",),
    "T05": ("table-missing",),
    "W01": ("table-missing",),
    "W02": ("authentication-failed", "connection-failed", "connection-refused", "nothing-written"),
    "W03": ("nothing-written", "write-unconfirmed"),
    "W04": ("stale-rows-kept",),
    "W05": ("write-failed",),
    "W06": ("table-creation-failed",),
    "W07": ("driver-context-incomplete",),
    "W08": ("constraint-violated",),
    "W09": ("column-missing",),
    "W10": ("write-failed",),
    "W11": ("disk-full", "permission-denied", "path-not-writable"),
    "W12": ("config-key-unknown",),
    "W13": ("dependency-missing", "host-not-found", "connection-refused", "tls-failed"),
    "R01": ("dependency-missing",),
    "R02": ("driver-import-failed",),
    "R03": ("worker-start-failed",),
    "R04": ("run-truncated", "step-timeout"),
    "R05": ("run-truncated", "worker-killed"),
    "R06": ("run-truncated",),
    "R07": ("sandbox-unavailable", "dependency-missing"),
    "R08": ("driver-not-registered",),
    "R09": ("dependency-missing",),
    "R12": ("value-not-serialisable",),
    "R13": ("step-run-twice",),
    "R14": ("driver-context-incomplete",),
}
"""For each pattern of the labels the rules that name it as the cause of a failure, or of a wrong success."""

BESIDE: Mapping[str, tuple[str, ...]] = {
    "R10": ("driver-code-differs",),
    "R11": ("stray-output",),
    "Q01": ("status-disagrees",),
    "Q03": ("totals-disagree",),
    "Q04": ("totals-disagree",),
    "Q05": ("totals-disagree", "run-card-disagrees"),
    "Q12": ("spill-file-corrupt",),
    "Q13": ("spill-setting-ignored",),
    "X01": ("secret-in-artifact",),
    "X02": ("secret-in-log",),
    "X03": ("markup-in-log",),
    "X04": ("query-reads-files",),
    "X05": ("pickle-in-artifacts",),
}
"""Patterns that a run has beside its cause."""

UNTOLD: Mapping[str, str] = {
    "Q02": "a claim of the status file that is true of any folder with runs",
    "Q06": "a mistake of another program that reads runs",
    "Q07": "an export that nobody asked for; its event stands in the log",
    "Q08": "an index that lies outside of the run",
    "Q09": "two names of one run, which every remote run has",
    "Q10": "a name that is masked; the folder has it",
    "Q11": "events that were deleted with their folder",
    "R15": "messages between host and worker, which are kept outside of the run",
}
"""Patterns that no finding states, and why."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is true of one run. ``rules`` are those that name its cause; empty where no rule is expected to.

    ``codes`` are all patterns it shows, its cause among them.
    """

    name: str
    truth: str
    root: str
    rules: frozenset[str] = frozenset()
    codes: tuple[str, ...] = ()


Guess = Callable[[Run], str | None]


@dataclass
class Figures:
    """Counts over all labelled runs, and the runs that were judged wrongly."""

    runs: int = 0
    status_right: int = 0
    guilty: int = 0
    root_right: int = 0
    cause_known: int = 0
    cause_right: int = 0
    unexplained: int = 0
    confidently_wrong: int = 0
    wrong_successes: int = 0
    wrong_successes_seen: int = 0
    clean: int = 0
    false_alarms: int = 0
    spans: int = 0
    spans_valid: int = 0
    codes: int = 0
    codes_stated: int = 0
    guesses_right: dict[str, int] = field(default_factory=dict)
    misses: list[str] = field(default_factory=list)

    @property
    def root_accuracy(self) -> float:
        """The part of the failed runs whose guilty step was found."""
        return self.root_right / max(1, self.guilty)


def labels(corpus: Path = CORPUS) -> list[dict[str, str]]:
    """The labels as they were written, one a run; empty where the corpus is not there."""
    file = corpus / "labels.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def of_corpus(corpus: Path = CORPUS) -> Iterator[tuple[Label, Path]]:
    """Each labelled run of the original."""
    for label in labels(corpus):
        rules = frozenset(rule for code in label["codes"] for rule in RULES_OF.get(code, ()))
        yield (
            Label(label["case"], label["truth"], label["root"], rules, tuple(label["codes"])),
            corpus / label["case"] / label["run"],
        )


def of_generated(folder: Path, most: int, clean: int = 0) -> Iterator[tuple[Label, Path]]:
    """At most so many runs with a fault, and so many without."""
    from tests.inspector import generated

    for number, case in enumerate([*generated.some(most), *generated.clean(clean)]):
        label = Label(case.name, case.fault.truth, case.step, frozenset(case.fault.rules))
        yield label, generated.make(case, folder, number)


def measure(corpus: Path = CORPUS) -> Figures:
    """Read, diagnose and compare every labelled run of the original."""
    return measured(of_corpus(corpus))


def measured(labelled: Iterable[tuple[Label, Path]]) -> Figures:
    """Read, diagnose and compare."""
    figures = Figures()
    for label, path in labelled:
        judge(figures, label, analyze(path))
    return figures


def judge(figures: Figures, label: Label, told: Report) -> None:
    """Count one run."""
    figures.runs += 1
    right = told.run.status == _STATUS.get(label.truth, label.truth)
    figures.status_right += right
    if not right:
        figures.misses.append(f"{label.name}: status {told.run.status}, truth {label.truth}")
    _judge_spans(figures, label, told)
    _judge_codes(figures, label, told)
    if label.truth == "success":
        _judge_clean(figures, label, told)
    elif label.truth == "success_but_wrong":
        _judge_silent(figures, label, told)
    else:
        _judge_root(figures, label, told)


def _judge_codes(figures: Figures, label: Label, told: Report) -> None:
    """Every pattern of a run that a finding can state is to be stated, as a cause, a consequence or beside them."""
    stated = {finding.rule for finding in told.findings}
    for code in label.codes:
        rules = RULES_OF.get(code) or BESIDE.get(code)
        if rules is None:
            continue
        figures.codes += 1
        figures.codes_stated += bool(stated & set(rules))
        if not stated & set(rules):
            figures.misses.append(f"{label.name}: {code} is not stated")


def _judge_clean(figures: Figures, label: Label, told: Report) -> None:
    errors = [finding for finding in told.findings if finding.severity == "error"]
    figures.clean += 1
    figures.false_alarms += bool(errors)
    if errors:
        figures.misses.append(f"{label.name}: false alarm {errors[0].id}")


def _judge_silent(figures: Figures, label: Label, told: Report) -> None:
    """A run that calls itself a success and is none must carry a warning at the right step."""
    figures.wrong_successes += 1
    at_root = [
        finding
        for finding in told.findings
        if finding.severity != "note" and _same(finding.step, label.root) and finding.rule not in _OF_SECRETS
    ]
    figures.wrong_successes_seen += bool(at_root)
    if not at_root:
        figures.misses.append(f"{label.name}: nothing at {label.root} ({sorted(label.rules)})")


def _judge_root(figures: Figures, label: Label, told: Report) -> None:
    figures.guilty += 1
    cause = told.root_cause
    right = cause is not None and _is_root(cause.stage, cause.step, label.root)
    abstains = cause is None or cause.rule == LAST_RESORT
    figures.root_right += right
    figures.unexplained += abstains
    figures.confidently_wrong += cause is not None and not right and cause.confidence == "high"
    if label.rules:
        named = cause is not None and cause.rule in label.rules
        figures.cause_known += 1
        figures.cause_right += right and named
        if right and not named:
            figures.misses.append(f"{label.name}: cause {cause and cause.rule}, truth {sorted(label.rules)}")
    if not right:
        address = f"{cause.stage}:{cause.id}" if cause else "no cause"
        figures.misses.append(f"{label.name}: WRONG {address}, truth {label.root} ({sorted(label.rules)})")
    for name, guess in GUESSES.items():
        step = guess(told.run)
        stage = "step" if step else "compile" if told.run.status == "compile_failed" else "finish"
        figures.guesses_right.setdefault(name, 0)
        figures.guesses_right[name] += _is_root(stage, step, label.root)


def _judge_spans(figures: Figures, label: Label, told: Report) -> None:
    """Every quote must stand in the line it names."""
    files: dict[str, list[bytes]] = {}
    for finding in told.findings:
        for piece in finding.evidence:
            if piece.file not in files:
                files[piece.file] = (told.run.path / piece.file).read_bytes().split(b"\n")
            line = files[piece.file][piece.line - 1].decode("utf-8", "replace")
            figures.spans += 1
            valid = bool(piece.quote) and piece.quote in line
            figures.spans_valid += valid
            if not valid:
                figures.misses.append(f"{label.name}: {finding.id} quotes what is not at {piece}")


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


GUESSES: Mapping[str, Guess] = {
    "first failed step": first_failed_step,
    "last error line": last_error_line,
    "grep recipe": by_grep,
}


def _is_root(stage: str, step: str | None, root: str) -> bool:
    if root == "compile":
        return stage == "compile"
    if root in _PREPARE:
        return stage == "prepare"
    if root == "(every step)":
        return step is not None
    if root.startswith("none"):
        return step is None or stage == "finish"
    return _same(step, root)


def _same(step: str | None, root: str) -> bool:
    return step is not None and (step == root or step.startswith(f"{root}-"))


def lines(title: str, figures: Figures) -> Iterator[str]:
    """The figures for people."""

    def part(count: int, of: int) -> str:
        return f"{count} of {of}" + (f" ({count / of:.1%})" if of else "")

    yield title
    yield f"  status             {part(figures.status_right, figures.runs)}"
    yield f"  guilty step        {part(figures.root_right, figures.guilty)}"
    yield f"  cause by its name  {part(figures.cause_right, figures.cause_known)}"
    if figures.codes:
        yield f"  patterns stated    {part(figures.codes_stated, figures.codes)}"
    yield f"  confidently wrong  {part(figures.confidently_wrong, figures.guilty)}"
    yield f"  abstention         {part(figures.unexplained, figures.guilty)}"
    yield f"  wrong successes    {part(figures.wrong_successes_seen, figures.wrong_successes)} seen"
    alarms = 100 * figures.false_alarms / max(1, figures.clean)
    yield f"  false alarms       {alarms:.1f} per 100 of {figures.clean} clean runs"
    yield f"  quotes             {part(figures.spans_valid, figures.spans)} stand where they say"
    for name, right in figures.guesses_right.items():
        yield f"  beside it: {name:<18} {part(right, figures.guilty)}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, default=CORPUS)
    parser.add_argument("--generated", type=int, default=0, metavar="N", help="also make N runs with a fault")
    parser.add_argument("--clean", type=int, default=0, metavar="N", help="and N runs without one")
    asked = parser.parse_args()
    sets = []
    if labels(asked.corpus):
        sets.append((f"runs of the original in {asked.corpus.name}", measure(asked.corpus)))
    if asked.generated or asked.clean:
        with tempfile.TemporaryDirectory() as folder:
            made = measured(of_generated(Path(folder), asked.generated, asked.clean))
        sets.append(("runs made with a fault in each", made))
    for title, figures in sets:
        print("\n".join([*figures.misses, *lines(title, figures)]))


if __name__ == "__main__":
    main()
