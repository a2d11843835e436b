"""How often status and cause are right on the labelled runs: ``python -m tests.inspector.accuracy``."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from osiris_inspect.inspector.report import Report, report

CORPUS = Path(__file__).parents[2] / ".." / "shared" / "corpus"
_STATUS = {"success_but_wrong": "success"}
_PREPARE = {"(worker start)", "(preflight)", "(prepare)"}


@dataclass
class Figures:
    """Counts over all labelled runs, and the runs that were judged wrongly."""

    runs: int = 0
    status_right: int = 0
    guilty: int = 0
    root_right: int = 0
    unexplained: int = 0
    wrong_successes: int = 0
    wrong_successes_seen: int = 0
    clean: int = 0
    false_alarms: int = 0
    misses: list[str] = field(default_factory=list)


def labels(corpus: Path = CORPUS) -> list[dict[str, str]]:
    """The labels, one a run; empty where the corpus is not there."""
    file = corpus / "labels.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def measure(corpus: Path = CORPUS) -> Figures:
    """Read, diagnose and compare every labelled run."""
    figures = Figures()
    for label in labels(corpus):
        _judge(figures, label, report(corpus / label["case"] / label["run"]))
    return figures


def _judge(figures: Figures, label: dict[str, str], told: Report) -> None:
    truth, root = label["truth"], label["root"]
    figures.runs += 1
    right = told.run.status == _STATUS.get(truth, truth)
    figures.status_right += right
    if not right:
        figures.misses.append(f"{label['case']}: status {told.run.status}, truth {truth}")
    errors = [finding for finding in told.findings if finding.severity == "error"]
    if truth == "success":
        figures.clean += 1
        figures.false_alarms += bool(errors)
        if errors:
            figures.misses.append(f"{label['case']}: false alarm {errors[0].address}")
    elif truth == "success_but_wrong":
        figures.wrong_successes += 1
        seen = any(
            finding.severity != "note" and _same(finding.step, root)
            for finding in told.findings
            if finding.rule not in ("secret-in-artifact", "secret-in-log")
        )
        figures.wrong_successes_seen += seen
        if not seen:
            figures.misses.append(f"{label['case']}: nothing at {root} ({label['codes']})")
    else:
        _judge_root(figures, label, told)


def _judge_root(figures: Figures, label: dict[str, str], told: Report) -> None:
    figures.guilty += 1
    cause = told.root_cause
    right = cause is not None and _is_root(cause.stage, cause.step, label["root"])
    figures.root_right += right
    figures.unexplained += cause is not None and cause.rule == "unexplained-failure"
    if not right or (cause and cause.rule == "unexplained-failure"):
        address = f"{cause.stage}:{cause.address}" if cause else "no cause"
        figures.misses.append(
            f"{label['case']}: {'' if right else 'WRONG '}{address}, truth {label['root']} ({label['codes']})"
        )


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


def main() -> None:
    """Print the figures."""
    corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    figures = measure(corpus)
    print("\n".join(figures.misses))
    print(f"status     {figures.status_right} of {figures.runs}")
    print(
        f"root       {figures.root_right} of {figures.guilty}, {figures.unexplained} without a rule of their own"
    )
    print(f"alarms     {figures.false_alarms} on {figures.clean} clean runs")
    print(f"silent     {figures.wrong_successes_seen} of {figures.wrong_successes} wrong successes seen")


if __name__ == "__main__":
    main()
