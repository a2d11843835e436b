"""A writer wrote to another target than in the earlier runs, although the pipeline is unchanged.

What it finds:
    A successful writer whose host, database, schema, table or file, dates aside, differs from that of each earlier run, at
    least two, while the text of the pipeline and its parameters are the same: a profile, a connection or an environment
    variable has changed.

Why it matters:
    The rows are somewhere else, possibly in another environment, and readers of the usual target see old data.

How to fix:
    Check the profile, the connections file and the environment variables of this run. If the new target is right, allow
    this rule for the step until the earlier runs have it, too.

Example:
    `load` wrote to database `dwh_test`; the last 5 runs wrote to `dwh`.
"""

from collections.abc import Mapping, Sequence

from osiris_inspect.inspector.diagnosis.evidence.citations import any_evidence, config_evidence
from osiris_inspect.inspector.diagnosis.evidence.configuration.comparable_runs import (
    has_same_parameters,
    has_same_settings,
    server_of,
    without_dates,
)
from osiris_inspect.inspector.diagnosis.evidence.configuration.targets import writer_target
from osiris_inspect.inspector.diagnosis.rule import Findings, FindingTemplate
from osiris_inspect.inspector.run.counts.earlier_run import EarlierRun
from osiris_inspect.inspector.run.lineage import Lineage
from osiris_inspect.inspector.run.run import Run, StepState
from osiris_inspect.inspector.text.lazy_regex import LazyRegex
from osiris_inspect.model.finding import Confidence, Evidence, Severity
from osiris_inspect.model.run_layout import cleaned_config_path, is_safe_name

NEEDS = ("configuration",)
SEARCHES = ("earlier runs",)
MIN_RUNS = 2
TEMPLATE = FindingTemplate(
    Severity.WARNING,
    "config",
    "check the profile, the connections file and the environment variables of this run; "
    "if the new target is right, allow this rule for the step",
    Confidence.MEDIUM,
)
_TEST_NAME = LazyRegex(r"(?i:[_.-]?(?:test|tmp|temp|dev|debug|bak|backup|copy|old|staging|sandbox)\d{0,8})")
_KEYS = ("connection", "host", "port", "database", "schema", "table", "path")


def check(run: Run, _lineage: Lineage) -> Findings:
    """Find writers with another target than in each earlier run."""
    for step in run.steps:
        if not step.is_writer or step.status != "succeeded" or not is_safe_name(step.id):
            continue
        target = _target(step.config, server_of(run, step.id))
        compared: Sequence[EarlierRun] = [
            each for each in run.earlier_runs if _is_same_pipeline(run, each, step)
        ]
        before, different = _difference(target, step, compared)
        fix = None
        if (
            not different
        ):  # an edited pipeline may write elsewhere, but a name for tests is probably left over
            compared = run.earlier_runs
            before, different = _difference(target, step, compared)
            if "table" not in different or not _is_for_tests(target["table"], before["table"]):
                continue
            different = ["table"]
            fix = f"set table: {before['table']}; if the new target is right, allow this rule for the step"
        yield TEMPLATE.finding(
            f"wrote to {_describe(target, different)}; the last {len(compared)} runs wrote to {_describe(before, different)}",
            *(_evidence(step, key) for key in different[:2]),
            *any_evidence(run, step),
            step=step.id,
            fix=fix,
        )


def _difference(
    target: Mapping[str, str], step: StepState, earlier: Sequence[EarlierRun]
) -> tuple[Mapping[str, str], list[str]]:
    """Return the last target of earlier runs, and the parts of the target that differ from each of them."""
    before = [_target(each.configs.get(step.id, {}), server_of(each, step.id)) for each in earlier]
    if len(before) < MIN_RUNS:
        return {}, []
    return before[0], [key for key in _KEYS if _differs(key, target, before)]


def _is_same_pipeline(run: Run, earlier: EarlierRun, step: StepState) -> bool:
    """Return True if the text of the pipeline or the configuration of the step is the same."""
    own, other = run.inputs.text, earlier.inputs.text
    is_same_text = own is not None and own == other
    is_same = is_same_text or has_same_settings(step.config, earlier.configs.get(step.id, {}))
    return is_same and has_same_parameters(run, earlier)


def _target(config: Mapping[str, object], server: Mapping[str, str]) -> dict[str, str]:
    _, target = writer_target(config)
    named: dict[str, object] = {"connection": config.get("connection"), **server}
    if target is not None and target[0] == "file":
        named["path"] = without_dates(target[-1])
    elif target is not None:
        named |= {"schema": target[-2], "table": target[-1]}
    return {name: str(value) for name, value in named.items() if value}


def _differs(key: str, target: Mapping[str, str], before: Sequence[Mapping[str, str]]) -> bool:
    """Return True if a part of the target is new; one that changes with each run, such as a port, is not."""
    values = {other.get(key) for other in before}
    return len(values) == 1 and None not in values and target.get(key) not in (None, *values)


def _is_for_tests(table: str, before: str) -> bool:
    """Return True if a name is the one before with a word for tests."""
    return table.startswith(before) and _TEST_NAME.fullmatch(table.removeprefix(before)) is not None


def _describe(target: Mapping[str, str], keys: Sequence[str]) -> str:
    return ", ".join(f"{key} {target[key]!r}" for key in keys)


def _evidence(step: StepState, key: str) -> Evidence:
    """Cite a part of the target where the run records it: in its configuration, or in that with its connection."""
    name, target = writer_target(step.config)
    if key in ("host", "port", "database"):
        return Evidence(cleaned_config_path(step.id), 0, f'"{key}"')
    return config_evidence(step.id, "connection" if key == "connection" or target is None else name)
