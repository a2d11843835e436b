"""A pipeline's text to a manifest and the configuration of each step. Pure: same text, same bytes.

Every problem is found in one go and names file, line and column. A step without ``needs`` keeps the meaning it has in
pipelines of the original: one that takes frames needs the step written before it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from osiris_inspect.base.near_names import did_you_mean
from osiris_inspect.model import jsonl, manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import PipelineError, Problem
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.runtime.pipeline import parameters
from osiris_inspect.runtime.pipeline import yaml_positions as located
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.pipeline.step_compiler import StepCompiler
from osiris_inspect.runtime.pipeline.yaml_positions import Position, PositionedDocument

VERSION: Final = "0.1.0"
MAX_ID_LENGTH: Final = 200
"""Characters of a step id: with what the files of a step add to it, file systems take no more than 255."""

_PIPELINE_KEYS = ("oml_version", "name", "steps", "params", "profiles", "metadata", "description")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pipeline ready to run.

    Attributes:
        configs: each step's configuration by step id.
        file: the pipeline it came from.
        connection_places: line and column, by step id, of where the step names its connection.
    """

    manifest: Manifest
    configs: Mapping[str, Mapping[str, Any]]
    file: str
    connection_positions: Mapping[str, Position] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides what the run does."""
        document = {"steps": manifest.to_dict(self.manifest)["steps"], "configs": self.configs}
        for step in document["steps"]:
            step.pop("line", None)  # a comment more in the pipeline is not another pipeline
        return "sha256:" + hashlib.sha256(jsonl.encode(document)).hexdigest()


def compile_pipeline(
    text: str, file: str, components: Mapping[str, Component], given: CompileInputs | None = None
) -> Compiled:
    """The manifest and configurations that the text of a pipeline file asks for.

    ``file`` is how messages and the manifest call it; what is ``given`` overrides the pipeline's own parameters.

    Raises:
        PipelineError: carries every problem of the file.
    """
    document = located.parse(text, file)
    problems = [*document.duplicate_keys, *_check_top_level(document)]
    if not isinstance(document.value, dict) or not isinstance(document.value.get("steps"), list):
        raise PipelineError(problems)
    filled = parameters.substitute_parameters(document, given or CompileInputs(), problems)
    drafts = _parse_steps(document, filled, problems)
    problems += _check_ids(document, drafts)
    for before, draft in zip([None, *drafts], drafts, strict=False):
        problems += draft.check(before, components)
    ordered = _topological_order(document, drafts, problems)
    if problems:
        raise PipelineError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return Compiled(
        Manifest(
            str(filled["name"]),
            tuple(draft.step() for draft in ordered),
            {"oml_version": VERSION, "file": file},
        ),
        {draft.id: draft.config_with_defaults(components[draft.component]) for draft in ordered},
        file,
        {draft.id: draft.connection_place for draft in ordered},
    )


def _check_top_level(document: PositionedDocument) -> list[Problem]:
    value = document.value
    if not isinstance(value, dict):
        return [document.problem("a pipeline is a map with oml_version, name and steps")]
    problems = [
        document.problem_at_key(f"unknown key {name!r}{did_you_mean(name, _PIPELINE_KEYS)}", name)
        for name in map(str, value)
        if name not in _PIPELINE_KEYS
    ]
    version = value.get("oml_version")
    if version is None:
        problems.append(document.problem(f'oml_version is missing; write oml_version: "{VERSION}"'))
    elif str(version) != VERSION:
        problems.append(
            document.problem(f"oml_version {version!r} is not supported; {VERSION!r} is", "oml_version")
        )
    if not isinstance(value.get("name"), str) or not value["name"].strip():
        problems.append(document.problem("name is missing or is no text", "name"))
    if not isinstance(value.get("steps"), list):
        problems.append(document.problem("steps is missing or is no list", "steps"))
    elif not value["steps"]:
        problems.append(document.problem("steps is empty: there is nothing to run", "steps"))
    return problems


def _parse_steps(
    document: PositionedDocument, filled: Mapping[str, Any], problems: list[Problem]
) -> list[StepCompiler]:
    drafts = []
    for place, item in enumerate(filled["steps"]):
        if isinstance(item, dict):
            drafts.append(StepCompiler(document, place, item))
        else:
            problems.append(document.problem("a step is a map with id, component and config", "steps", place))
    return drafts


def _check_ids(document: PositionedDocument, drafts: list[StepCompiler]) -> list[Problem]:
    problems = []
    first: dict[str, int] = {}
    for draft in drafts:
        text = None
        if not draft.id:
            written = draft.item.get("id")
            text = (
                "a step has no id"
                if written in (None, "")
                else f"step id {written!r} is no text; put it in quotes"
            )
        elif not layout.is_safe_name(draft.id):
            text = f"step id {draft.id!r} is no file name: use letters, digits, '.', '_' and '-', a letter or digit first"
        elif len(draft.id) > MAX_ID_LENGTH:
            text = f"step id {draft.id[:20]!r}… has {len(draft.id)} characters and is a file name: {MAX_ID_LENGTH} at most"
        elif draft.id in first:
            text = f"step id {draft.id!r} stands in line {first[draft.id]} already"
        if text is not None:
            problems.append(document.problem(text, "steps", draft.position, "id"))
        first.setdefault(draft.id, draft.line)
    return problems


def _topological_order(
    document: PositionedDocument, drafts: list[StepCompiler], problems: list[Problem]
) -> list[StepCompiler]:
    """The steps so that each comes after all it needs, otherwise as written; as written where that cannot be."""
    by_id = {draft.id: draft for draft in drafts}
    for draft in drafts:
        for need in draft.needs:
            if need not in by_id:
                text = f"step {draft.id!r} needs {need!r}, and no step has that id{did_you_mean(need, tuple(by_id))}"
                problems.append(document.problem(text, "steps", draft.position, "needs"))
    ordered: list[StepCompiler] = []
    waiting = list(drafts)
    done = {need for draft in drafts for need in draft.needs if need not in by_id}
    while waiting:
        ready = next((draft for draft in waiting if done.issuperset(draft.needs)), None)
        if ready is None:
            circle = _find_cycle(waiting[0], by_id)
            text = f"steps need each other in a circle: {' → '.join(circle)}"
            problems.append(document.problem(text, "steps", by_id[circle[0]].position, "needs"))
            return drafts
        waiting.remove(ready)
        done.add(ready.id)
        ordered.append(ready)
    return ordered


def _find_cycle(start: StepCompiler, by_id: Mapping[str, StepCompiler]) -> list[str]:
    """A way from a step that cannot run back to itself, found by following a need that cannot be met either."""
    stuck = _unorderable(by_id)
    path = [start.id]
    while True:
        need = next(need for need in by_id[path[-1]].needs if need in stuck)
        if need in path:
            return [*path[path.index(need) :], need]
        path.append(need)


def _unorderable(by_id: Mapping[str, StepCompiler]) -> set[str]:
    stuck = set(by_id)
    while True:
        free = {step for step in stuck if not stuck.intersection(by_id[step].needs)}
        if not free:
            return stuck
        stuck -= free
