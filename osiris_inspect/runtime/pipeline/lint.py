"""Linter: finds problems of a pipeline, including the tables that its SQL reads, without running it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.model import manifest
from osiris_inspect.model.errors import PipelineError, Problem
from osiris_inspect.model.manifest import Step, input_name
from osiris_inspect.runtime.pipeline import parameters, pipeline_files, yaml_positions
from osiris_inspect.runtime.pipeline.compiler import Compiled, compile_document
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.pipeline.sql import tables as sql_tables
from osiris_inspect.runtime.pipeline.step_checks import checked_columns
from osiris_inspect.runtime.pipeline.step_compiler import MEMORY_NOT_LIMITED, SQL
from osiris_inspect.runtime.pipeline.yaml_positions import PositionedDocument

LintSeverity = Literal["error", "warning"]
MAX_CHECKED_SQL: Final = 400_000
"""Characters of the queries of a pipeline that are parsed, which takes seconds."""
_CODE: Final = re.compile(
    r"(?:^|[\W_])(?:zip|zipcode|postal|postcode|plz|psc|ean|gtin|upc|isbn|phone|tel|mobile|fax|sku|barcode|iban|ssn)"
    r"(?:$|[\W_])",
    re.IGNORECASE,
)
_NUMBER_TYPE: Final = re.compile(r"u?int|float|double", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LintMessage:
    """Message about a pipeline file; an error would make the run fail."""

    problem: Problem
    severity: LintSeverity

    def __str__(self) -> str:
        position, _, _ = str(self.problem).partition(f": {self.problem.message}")
        return f"{position}: {self.severity}: {self.problem.message}"


def lint(
    text: str,
    file: str,
    components: Mapping[str, Component],
    inputs: CompileInputs | None = None,
    check: Callable[[Compiled], Iterable[LintMessage]] | None = None,
    target: str | None = None,
) -> list[LintMessage]:
    """Return all messages about a pipeline, in the order of the file; then those of ``check``.

    With a ``target``, such as ``local``, they include what a run there would refuse.
    """
    try:
        document = yaml_positions.parse(text, file)
        compiled = compile_document(document, components, inputs or CompileInputs())
    except PipelineError as error:
        return [LintMessage(problem, "error") for problem in error.problems]
    messages: list[LintMessage] = []
    by_id = {step.id: step for step in compiled.manifest.steps}
    lines, suggestions = text.split("\n"), Suggestions()
    ids = [
        item["id"]
        for item in parameters.substitute_parameters(document, inputs or CompileInputs(), [])["steps"]
    ]
    sql_length, missing_needs = 0, set[str]()
    step_ids = {name.lower(): id_ for id_ in reversed(by_id) for name in (input_name(id_), id_)}
    for position, step in enumerate(by_id[name] for name in ids):
        checked = _CheckedStep(
            document, lines, position, step, compiled, suggestions, step_ids, missing_needs
        )
        if step.driver == SQL:
            sql_length += len(str(checked.config["query"]))
            messages += _check_sql(checked) if sql_length <= MAX_CHECKED_SQL else [_not_checked(checked)]
        messages += _check_ignored_keys(checked, components[step.component])
        messages += _check_types_of_codes(checked)
        messages += _check_memory(checked, target)
        messages += _check_columns(checked, components[step.component])
    messages += _check_implied_needs(document, ids, compiled, components)
    messages += _check_unused_outputs(document, ids, compiled, components, missing_needs)
    messages += _check_files(document, ids, compiled, components)
    messages.sort(key=lambda message: (message.problem.line, message.problem.column))
    return [*messages, *check(compiled)] if check is not None else messages


def _check_memory(checked: "_CheckedStep", target: str | None) -> Iterator[LintMessage]:
    if checked.step.memory_bytes is not None and target in MEMORY_NOT_LIMITED:
        text = (
            f"step {checked.step.id!r} has a limit of memory, which --on {target} cannot apply: "
            f"{MEMORY_NOT_LIMITED[target]}; use --on sandbox, or remove memory from the step"
        )
        problem = checked.document.problem(text, "steps", checked.position, "memory")
        yield LintMessage(problem, "error")


@dataclass(frozen=True, slots=True)
class _CheckedStep:
    """Step that is being checked, with its position in the file.

    Attributes:
        lines: the lines of the file.
        step_ids: the steps of the pipeline by the tables of SQL, in lower case, that they can be.
        missing_needs: receives the steps that a message says to add to needs.
    """

    document: PositionedDocument
    lines: list[str]
    position: int
    step: Step
    compiled: Compiled
    suggestions: Suggestions
    step_ids: Mapping[str, str]
    missing_needs: set[str]

    @property
    def config(self) -> Mapping[str, Any]:
        return self.compiled.configs[self.step.id]

    def problem(self, message: str, *below: str | int) -> Problem:
        return self.document.problem(message, "steps", self.position, *below)

    def in_checks(self, message: str, path: tuple[str | int, ...]) -> Problem:
        """Return a problem of a column that the checks of the manifest name at a path."""
        written = self.document.value["steps"][self.position]["checks"].get(path[0])
        if path[0] == "unique" and not isinstance(written[0], list):
            path = ("unique", path[-1])  # a single key, which the manifest has as a list of keys
        return self.problem(message, "checks", *path)

    def in_query(self, message: str, offset: int) -> Problem:
        """Return a problem at an offset of the query; at the start of the query unless it is a block scalar."""
        at_value = self.problem(message, "config", "query")
        lines = self.lines
        first = lines[at_value.line - 1][at_value.column - 1 : at_value.column]
        if first != "|":
            return at_value
        before = str(self.config["query"])[:offset]
        number = at_value.line + 1 + before.count("\n")
        block = lines[at_value.line : number]
        indent = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
        column = indent + len(before.rsplit("\n", 1)[-1]) + 1
        return Problem(message, self.document.file, number, column)


def _not_checked(checked: _CheckedStep) -> LintMessage:
    text = f"the SQL of step {checked.step.id!r} is not checked: the pipeline has more than {MAX_CHECKED_SQL:,} characters of SQL"
    return LintMessage(checked.in_query(text, 0), "warning")


def _check_sql(checked: _CheckedStep) -> Iterator[LintMessage]:
    sql = str(checked.config["query"])
    tables, error = sql_tables.referenced_tables(sql)
    if error is not None:
        inputs = (name for names in _names_of_inputs(checked.step).values() for name in names)
        hint = "" if error.may_run else sql_tables.hyphenated_table(sql, inputs)
        text = f"cannot {'check' if error.may_run else 'parse'} the SQL of step {checked.step.id!r}: {error.message}{hint}"
        yield LintMessage(checked.in_query(text, error.offset), "warning" if error.may_run else "error")
        return
    names = _names_of_inputs(checked.step)
    known = {name.lower() for aliases in names.values() for name in aliases}
    for table in tables:
        if table.name.lower() not in known:
            yield LintMessage(
                checked.in_query(_no_such_table(table.name, checked, names), table.offset), "error"
            )
    read = {table.name.lower() for table in tables}
    if tables and known.issuperset(read):
        for need, aliases in names.items():
            if not read.intersection(name.lower() for name in aliases):
                text = f"step {checked.step.id!r} needs {need!r}, but its SQL does not read {' or '.join(aliases)}"
                yield LintMessage(checked.problem(text, "needs"), "warning")


def _no_such_table(name: str, checked: _CheckedStep, names: Mapping[str, tuple[str, ...]]) -> str:
    step = checked.step
    known = sorted({alias for aliases in names.values() for alias in aliases})
    text = f"the SQL of step {step.id!r} reads table {name!r}, which is not an input of the step"
    forgotten = checked.step_ids.get(name.lower())
    if forgotten is not None and forgotten not in (step.id, *names):
        checked.missing_needs.add(forgotten)
        return f"{text}; add {forgotten!r} to its needs"
    text += checked.suggestions.did_you_mean(name, known)
    return text + (f"; its inputs are {', '.join(known)}" if known else "; add the input to its needs")


def _names_of_inputs(step: Step) -> dict[str, tuple[str, ...]]:
    """Return the SQL table names of each upstream step."""
    bound = manifest.bind_inputs(step)
    names: dict[str, dict[str, None]] = defaultdict(dict)
    for name, ref in bound.items():
        single = ("input_df", "df") if len(bound) == 1 else ()
        names[ref.from_step] |= dict.fromkeys((name, input_name(ref.from_step), *single))
    return {step: tuple(aliases) for step, aliases in names.items()}


def _check_ignored_keys(checked: _CheckedStep, component: Component) -> Iterator[LintMessage]:
    config = checked.document.value["steps"][checked.position].get("config") or {}
    for name in config:
        key = component.key(str(name))
        if key is not None and key.ignored:
            text = f"{name!r} is ignored by {component.name}; remove it"
            yield LintMessage(
                checked.document.problem_at_key(text, "steps", checked.position, "config", str(name)),
                "warning",
            )


def _check_types_of_codes(checked: _CheckedStep) -> Iterator[LintMessage]:
    """Report columns of codes that the step types as numbers, which have no leading zeros."""
    types = checked.config.get("dtype")
    for name, dtype in types.items() if isinstance(types, dict) else ():
        if _CODE.search(str(name)) and _NUMBER_TYPE.match(str(dtype)):
            text = (
                f"column {name!r} is read as {dtype}, so 00123 becomes 123; use str to keep codes as they are"
            )
            yield LintMessage(checked.problem(text, "config", "dtype", name), "warning")


def _check_columns(checked: _CheckedStep, component: Component) -> Iterator[LintMessage]:
    """Report columns of checks that the checked frame lacks, where the pipeline names its columns."""
    columns = _known_columns(checked.step if component.produces_frame else _only_input(checked), checked)
    if columns is None:
        return
    known = {name.lower() for name in columns}  # SQL keeps the case of its input
    for name, path in checked_columns(checked.step.checks):
        if name.lower() not in known:
            hint = checked.suggestions.did_you_mean(name, columns) or f"; it has {', '.join(columns)}"
            text = f"checks of step {checked.step.id!r} name column {name!r}, which its frame lacks{hint}"
            yield LintMessage(checked.in_checks(text, path), "error")


def _only_input(checked: _CheckedStep) -> Step | None:
    refs = list(manifest.bind_inputs(checked.step).values())
    steps = (
        step for step in checked.compiled.manifest.steps if len(refs) == 1 and step.id == refs[0].from_step
    )
    return next(steps, None)


def _known_columns(step: Step | None, checked: _CheckedStep) -> tuple[str, ...] | None:
    """Return the columns of a step's frame; None if the pipeline does not name them."""
    config = checked.compiled.configs[step.id] if step is not None and checked.step.checks else {}
    if step is not None and step.driver == SQL and config:
        return sql_tables.result_columns(str(config["query"]))
    columns = config.get("columns") if step is not None and step.driver.startswith("filesystem.") else None
    return tuple(map(str, columns)) if isinstance(columns, list) and columns else None


def _check_implied_needs(
    document: PositionedDocument, ids: list[str], compiled: Compiled, components: Mapping[str, Component]
) -> Iterator[LintMessage]:
    """Report steps without needs that could take another output: one above them that no step uses."""
    by_id = {step.id: step for step in compiled.manifest.steps}
    used = {need for step in compiled.manifest.steps for need in step.needs}
    unused: list[str] = []
    for position, (id_, item) in enumerate(zip(ids, document.value["steps"], strict=True)):
        step = by_id[id_]
        is_implied = item.get("needs") is None and bool(step.needs) and not item.get("inputs")
        if is_implied and unused:
            text = (
                f"step {id_!r} has no needs, so it takes the output of the step above it, {step.needs[0]!r}, and not "
                f"that of {unused[-1]!r}, which no step uses; add needs: [{step.needs[0]}], or the ids of other steps"
            )
            yield LintMessage(document.problem(text, "steps", position, "id"), "warning")
        if components[step.component].produces_frame and id_ not in used:
            unused.append(id_)


def _check_files(
    document: PositionedDocument, ids: list[str], compiled: Compiled, components: Mapping[str, Component]
) -> Iterator[LintMessage]:
    """Report outputs that another step overwrites, and those that overwrite what the pipeline reads."""
    for id_, text in pipeline_files.overwritten_files(compiled, components):
        position = ids.index(id_)
        yield LintMessage(document.problem(text, "steps", position, "config", "path"), "warning")


def _check_unused_outputs(
    document: PositionedDocument,
    ids: list[str],
    compiled: Compiled,
    components: Mapping[str, Component],
    missing_needs: set[str],
) -> Iterator[LintMessage]:
    """Report steps whose output no other step uses, and that no other message says to use."""
    positions = {id_: position for position, id_ in enumerate(ids)}
    used = {need for step in compiled.manifest.steps for need in step.needs} | missing_needs
    for step in compiled.manifest.steps:
        if components[step.component].produces_frame and step.id not in used:
            text = f"output of step {step.id!r} is never used"
            yield LintMessage(document.problem(text, "steps", positions[step.id], "id"), "warning")
