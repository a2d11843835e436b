"""What is wrong, or odd, with a pipeline, without running it: all that compiling finds, and what its SQL reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model import manifest
from osiris_inspect.model.errors import PipelineError, Problem
from osiris_inspect.model.manifest import Step, input_name
from osiris_inspect.runtime.pipeline import parameters, sql_tables
from osiris_inspect.runtime.pipeline import yaml_positions as located
from osiris_inspect.runtime.pipeline.compiler import Compiled, compile_pipeline
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.pipeline.step_compiler import SQL
from osiris_inspect.runtime.pipeline.yaml_positions import PositionedDocument

LintSeverity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class LintMessage:
    """One thing about a pipeline file. An error would fail the run; a warning would not."""

    problem: Problem
    weight: LintSeverity

    def __str__(self) -> str:
        place, _, _ = str(self.problem).partition(f": {self.problem.message}")
        return f"{place}: {self.weight}: {self.problem.message}"


def lint(
    text: str, file: str, components: Mapping[str, Component], given: CompileInputs | None = None
) -> list[LintMessage]:
    """Everything there is to say about a pipeline, in the order of its file."""
    try:
        compiled = compile_pipeline(text, file, components, given)
    except PipelineError as error:
        return [LintMessage(problem, "error") for problem in error.problems]
    document = located.parse(text, file)
    remarks: list[LintMessage] = []
    by_id = {step.id: step for step in compiled.manifest.steps}
    ids = [
        item["id"]
        for item in parameters.substitute_parameters(document, given or CompileInputs(), [])["steps"]
    ]
    for place, step in enumerate(by_id[name] for name in ids):
        looked = _CheckedStep(document, text, place, step, compiled)
        remarks += _check_sql(looked) if step.driver == SQL else []
        remarks += _check_keys(looked, components[step.component])
    remarks += _check_unused_outputs(document, ids, compiled, components)
    return sorted(remarks, key=lambda remark: (remark.problem.line, remark.problem.column))


@dataclass(frozen=True, slots=True)
class _CheckedStep:
    """A step that is looked at: where it stands, and what became of it."""

    document: PositionedDocument
    text: str
    place: int
    step: Step
    compiled: Compiled

    @property
    def config(self) -> Mapping[str, Any]:
        return self.compiled.configs[self.step.id]

    def problem(self, message: str, *below: str | int) -> Problem:
        return self.document.problem(message, "steps", self.place, *below)

    def in_query(self, message: str, offset: int) -> Problem:
        """A problem at an offset of the query: its own line where the query is a block of lines, else the query's."""
        at_value = self.problem(message, "config", "query")
        lines = self.text.split("\n")
        first = lines[at_value.line - 1][at_value.column - 1 : at_value.column]
        if first != "|":
            return at_value
        before = str(self.config["query"])[:offset]
        number = at_value.line + 1 + before.count("\n")
        block = lines[at_value.line : number]
        indent = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
        column = indent + len(before.rsplit("\n", 1)[-1]) + 1
        return Problem(message, self.document.file, number, column)


def _check_sql(checked: _CheckedStep) -> Iterator[LintMessage]:
    sql = str(checked.config["query"])
    tables, fault = sql_tables.referenced_tables(sql)
    if fault is not None:
        offset = sum(len(line) + 1 for line in sql.split("\n")[: fault.line - 1])
        yield LintMessage(
            checked.in_query(
                f"the SQL of step {checked.step.id!r} cannot be parsed: {fault.message}", offset
            ),
            "error",
        )
        return
    names = _names_of_inputs(checked.step)
    known = {name.lower() for several in names.values() for name in several}
    for table in tables:
        if table.name.lower() not in known:
            yield LintMessage(
                checked.in_query(_no_such_table(table.name, checked.step, names), table.offset), "error"
            )
    read = {table.name.lower() for table in tables}
    if tables and known.issuperset(read):
        for need, several in names.items():
            if not read.intersection(name.lower() for name in several):
                text = (
                    f"step {checked.step.id!r} needs {need!r} and its SQL reads none of {', '.join(several)}"
                )
                yield LintMessage(checked.problem(text, "needs"), "warning")


def _no_such_table(name: str, step: Step, names: Mapping[str, tuple[str, ...]]) -> str:
    there = sorted({known for several in names.values() for known in several})
    near = did_you_mean(name, tuple(there))
    text = f"the SQL of step {step.id!r} reads table {name!r}, and no input is called so{near}"
    return text + (f"; it has {', '.join(there)}" if there else "; the step has no input")


def _names_of_inputs(step: Step) -> dict[str, tuple[str, ...]]:
    """For each upstream step, the tables under which SQL finds its frame."""
    bound = manifest.bind_inputs(step)
    names: dict[str, tuple[str, ...]] = {}
    for name, ref in bound.items():
        more = ("input_df", "df") if len(bound) == 1 else ()
        several = (name, input_name(ref.from_step), *more)
        names[ref.from_step] = tuple(dict.fromkeys((*names.get(ref.from_step, ()), *several)))
    for need in step.needs:
        names.setdefault(need, ())
    return {need: several for need, several in names.items() if several}


def _check_keys(checked: _CheckedStep, component: Component) -> Iterator[LintMessage]:
    written = checked.document.value["steps"][checked.place].get("config") or {}
    for name in written:
        key = component.key(str(name))
        if key is not None and key.ignored:
            text = f"{name!r} has no effect on {component.name}"
            yield LintMessage(
                checked.document.problem_at_key(text, "steps", checked.place, "config", str(name)), "warning"
            )


def _check_unused_outputs(
    document: PositionedDocument, ids: list[str], compiled: Compiled, components: Mapping[str, Component]
) -> Iterator[LintMessage]:
    """Frames that nobody takes: a need was forgotten, or the step is there for nothing."""
    used = {need for step in compiled.manifest.steps for need in step.needs}
    for step in compiled.manifest.steps:
        if components[step.component].produces_frame and step.id not in used:
            text = f"no step takes the frame of step {step.id!r}"
            yield LintMessage(document.problem(text, "steps", ids.index(step.id), "id"), "warning")
