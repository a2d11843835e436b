"""Compiler: converts the text of a pipeline to a manifest and a configuration per step, deterministically.

Reports every problem at once, with file, line and column. As in the original Osiris, a step without ``needs``
that takes an input needs the step written before it.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from pathlib import Path
from time import monotonic
from typing import Any, Final

from osiris_inspect.base.near_names import Suggestions, near_names
from osiris_inspect.model import jsonl, manifest
from osiris_inspect.model import run_layout as layout
from osiris_inspect.model.errors import PipelineError, Problem, SettingsError
from osiris_inspect.model.manifest import Manifest
from osiris_inspect.model.redaction import mask_by_key
from osiris_inspect.runtime.pipeline import parameters, yaml_positions
from osiris_inspect.runtime.pipeline.component import Component
from osiris_inspect.runtime.pipeline.parameters import CompileInputs
from osiris_inspect.runtime.pipeline.step_compiler import StepCompiler
from osiris_inspect.runtime.pipeline.yaml_positions import Position, PositionedDocument

VERSION: Final = "0.1.0"
MAX_STEPS: Final = 5_000
MAX_ID_LENGTH: Final = 200
"""Maximum length of a step id, so that its file names stay within the 255 bytes of file systems."""

_FOLDERS_OF_PIPES: Final = tuple(map(Path, ("/dev", "/dev/fd", "/proc/self/fd")))
_PIPELINE_KEYS = ("oml_version", "name", "steps", "params", "profiles", "metadata", "description")


@dataclass(frozen=True, slots=True)
class Compiled:
    """Pipeline that is ready to run.

    Attributes:
        configs: configuration by step id.
        file: the pipeline file.
        connection_positions: line and column of each step's connection, by step id.
        source: a hash of the pipeline's text, the profile, and the parameters of the command line and the
        environment; empty if it was compiled elsewhere.
        edited: the files of a compiled pipeline that were edited after they were written.
        recorded_folder: the folder of the pipeline file that ``compile`` recorded; empty if it was not recorded.
        duration_ms: how long it took to compile; None if it was compiled elsewhere.
    """

    manifest: Manifest
    configs: Mapping[str, Mapping[str, Any]]
    file: str
    connection_positions: Mapping[str, Position] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    edited: tuple[str, ...] = ()
    recorded_folder: str = ""
    duration_ms: float | None = field(default=None, compare=False)

    @property
    def pipeline_file(self) -> Path:
        """Pipeline file in the folder that it was compiled in."""
        return Path(self.recorded_folder, Path(self.file).name) if self.recorded_folder else Path(self.file)

    @property
    def folder(self) -> Path:
        """Folder that relative paths start from."""
        return pipeline_folder(self.pipeline_file)

    @property
    def fingerprint(self) -> str:
        """Hash of everything that determines the run."""
        document = {"steps": manifest.to_dict(self.manifest)["steps"], "configs": self.configs}
        for step in document["steps"]:
            step.pop("line", None)  # comments do not change the pipeline
            step.pop("tags", None)
        return "sha256:" + hashlib.sha256(jsonl.encode(document)).hexdigest()


def pipeline_folder(file: Path) -> Path:
    """Return the folder that relative paths start from: that of the pipeline file; of a pipe, the working directory."""
    return Path() if file.parent in _FOLDERS_OF_PIPES else file.parent


def read_pipeline(file: Path) -> str:
    """Return the text of a pipeline file.

    Raises:
        SettingsError: it cannot be read, or it is not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(
            f"cannot read the pipeline {file}: {error.strerror}",
            kind="file-missing" if isinstance(error, FileNotFoundError) else "pipeline-unreadable",
            fix=_fix_of_path(file, error),
            path=str(file),
        ) from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"cannot read the pipeline {file}: not UTF-8 at byte {error.start}",
            kind="encoding-wrong",
            fix="save it as UTF-8",
            path=str(file),
            offset=error.start,
        ) from None


def _fix_of_path(file: Path, error: OSError) -> str:
    """Return what to do about a pipeline file that cannot be read, with the files that may be meant."""
    folder = file if isinstance(error, IsADirectoryError) else file.parent
    try:
        names = sorted(str(path) for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern))
    except OSError:
        names = []
    if isinstance(error, IsADirectoryError):
        return f"name a file in it, such as {names[0]}" if names else "name a file"
    if not isinstance(error, FileNotFoundError):
        return "check the path and its permissions"
    if not names and folder.is_dir():
        return "check the path; osiris-inspect init writes a pipeline.yaml in the working directory"
    by_stem = {Path(name).stem: name for name in reversed(names)}
    near = near_names(file.stem, by_stem)
    return f"did you mean {by_stem[near[0]]!r}?" if near else "check the path and its permissions"


def compile_pipeline(
    text: str, file: str, components: Mapping[str, Component], inputs: CompileInputs | None = None
) -> Compiled:
    """Return the manifest and configurations of a pipeline.

    ``file`` is its name in messages and in the manifest; ``inputs`` override the pipeline's own parameters.

    Raises:
        PipelineError: contains every problem of the file.
    """
    started = monotonic()
    compiled = compile_document(yaml_positions.parse(text, file), components, inputs or CompileInputs())
    return replace(compiled, duration_ms=(monotonic() - started) * 1000)


def compile_document(
    document: PositionedDocument, components: Mapping[str, Component], inputs: CompileInputs
) -> Compiled:
    """Return the manifest and configurations of a parsed pipeline.

    Raises:
        PipelineError: contains every problem of the file.
    """
    suggestions = Suggestions()
    problems = [*document.duplicate_keys, *_check_top_level(document, suggestions)]
    steps = document.value.get("steps") if isinstance(document.value, dict) else None
    if not isinstance(steps, list) or len(steps) > MAX_STEPS:
        raise PipelineError(problems)
    filled = parameters.substitute_parameters(document, inputs, problems)
    drafts = _parse_steps(document, filled, problems, suggestions)
    problems += _check_ids(document, drafts)
    for previous, draft in zip([None, *drafts], drafts, strict=False):
        problems += draft.check(previous, components)
    problems += _check_outputs_of_needs(document, drafts, components)
    problems += _check_own_workers(document, drafts)
    ordered = _topological_order(document, drafts, problems, suggestions)
    if problems:
        raise PipelineError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return Compiled(
        Manifest(
            str(filled["name"]),
            tuple(draft.step() for draft in ordered),
            {"oml_version": VERSION, "file": document.file},
        ),
        {draft.id: draft.config_with_defaults(components[draft.component]) for draft in ordered},
        document.file,
        {draft.id: draft.connection_position for draft in ordered},
        _source(document, inputs),
    )


def _source(document: PositionedDocument, inputs: CompileInputs) -> dict[str, Any]:
    """Return what a run is made from, to compare it with other runs; comments do not count."""
    content = json.dumps(document.value, sort_keys=True, default=str)
    return {
        "text": "sha256:" + hashlib.sha256(content.encode()).hexdigest(),
        "profile": inputs.profile,
        "params": mask_by_key(parameters.set_from_outside(document, inputs)),
    }


def _check_top_level(document: PositionedDocument, suggestions: Suggestions) -> list[Problem]:
    value = document.value
    if value is None:
        return [document.problem("the pipeline is empty; osiris-inspect init writes one in an empty folder")]
    if not isinstance(value, dict):
        return [document.problem("a pipeline must be a mapping with oml_version, name and steps")]
    problems = [
        document.problem_at_key(f"unknown key {name!r}{suggestions.did_you_mean(name, _PIPELINE_KEYS)}", name)
        for name in map(str, value)
        if name not in _PIPELINE_KEYS
    ]
    version = value.get("oml_version")
    if version is None:
        problems.append(document.problem(f'oml_version is missing; add oml_version: "{VERSION}"'))
    elif str(version) != VERSION:
        problems.append(
            document.problem(f"oml_version {version!r} is not supported; use {VERSION!r}", "oml_version")
        )
    if not isinstance(value.get("name"), str) or not value["name"].strip():
        problems.append(document.problem("name is missing or not a string", "name"))
    if not isinstance(value.get("steps"), list):
        problems.append(document.problem("steps is missing or not a list", "steps"))
    elif len(value["steps"]) > MAX_STEPS:
        text = f"steps has {len(value['steps']):,} steps; split the pipeline, a part may have {MAX_STEPS:,}"
        problems.append(document.problem(text, "steps", MAX_STEPS))
    elif not value["steps"]:
        problems.append(document.problem("steps is empty; add a step", "steps"))
    return problems


def _parse_steps(
    document: PositionedDocument, filled: Mapping[str, Any], problems: list[Problem], suggestions: Suggestions
) -> list[StepCompiler]:
    drafts = []
    for position, item in enumerate(filled["steps"]):
        if isinstance(item, dict):
            drafts.append(StepCompiler(document, position, item, suggestions))
        else:
            problems.append(
                document.problem("a step must be a mapping with id, component and config", "steps", position)
            )
    return drafts


def _check_ids(document: PositionedDocument, drafts: list[StepCompiler]) -> list[Problem]:
    problems = []
    first: dict[str, int] = {}
    for draft in drafts:
        text = None
        if not draft.id:
            value = draft.item.get("id")
            text = (
                "a step has no id; add one"
                if value in (None, "")
                else f"step id {value!r} is not a string; put it in quotes"
            )
        elif not layout.is_safe_name(draft.id):
            text = f"step id {draft.id!r} is invalid: use a-z, A-Z, 0-9, '.', '_', '-', and start with a letter or digit"
        elif len(draft.id) > MAX_ID_LENGTH:
            text = f"step id {draft.id[:20]!r}… has {len(draft.id)} characters; use at most {MAX_ID_LENGTH}"
        elif draft.id in first:
            text = f"step id {draft.id!r} is a duplicate of line {first[draft.id]}; rename one of the steps"
        if text is not None:
            problems.append(document.problem(text, "steps", draft.position, "id"))
        first.setdefault(draft.id, draft.line)
    return problems


def _check_outputs_of_needs(
    document: PositionedDocument, drafts: list[StepCompiler], components: Mapping[str, Component]
) -> list[Problem]:
    """Return the needs and inputs that name a step without an output, such as a writer."""
    by_id = {
        draft.id: draft for draft in reversed(drafts)
    }  # of two with one id, which is an error, the first
    problems = []
    for draft in drafts:
        for need, path in draft.written_inputs():
            other = by_id.get(need)
            component = components.get(other.component) if other is not None else None
            if other is None or other is draft or component is None or component.produces_frame:
                continue
            kind = "is a writer and has no output" if "write" in component.modes else "has no output"
            instead = f", such as {other.needs[0]!r}" if other.needs else ""
            text = (
                f"step {draft.id!r} needs {need!r}, which {kind}; write after: [{need}] to run after it, and name in needs "
                f"or inputs only steps whose rows it takes{instead}"
            )
            problems.append(document.problem(text, "steps", draft.position, *path))
    return problems


def _check_own_workers(document: PositionedDocument, drafts: list[StepCompiler]) -> list[Problem]:
    """Return the inputs that only the worker of another step has, if one of the two has a worker of its own."""
    limited = {draft.id for draft in drafts if draft.memory_bytes is not None}
    return [
        document.problem(
            f"input {name!r} of step {draft.id!r} is {ref.key!r} of step {ref.from_step!r}, which is in the memory of that "
            "step's worker only; remove memory from both, because it gives a step a worker of its own",
            *("steps", draft.position, "inputs", name),
        )
        for draft in drafts
        for name, ref in draft.inputs.items()
        if ref.key != "df" and not limited.isdisjoint((draft.id, ref.from_step))
    ]


def _topological_order(
    document: PositionedDocument,
    drafts: list[StepCompiler],
    problems: list[Problem],
    suggestions: Suggestions,
) -> list[StepCompiler]:
    """Return the steps ordered by ``needs`` and ``after``, or in the written order if these form a cycle.

    Of the steps that can run, the one written first comes next.
    """
    by_id = {draft.id: draft for draft in drafts}
    ids = tuple(by_id)
    dependents: dict[str, list[StepCompiler]] = defaultdict(list)
    waiting: dict[int, int] = {}  # position of a step: number of its needs that are not done
    for draft in drafts:
        earlier = {step for step in (*draft.needs, *draft.after) if step in by_id}
        waiting[draft.position] = len(earlier)
        for step in earlier:
            dependents[step].append(draft)
        for key, verb, names in (("needs", "needs", draft.needs), ("after", "runs after", draft.after)):
            for name in names:
                if name not in earlier:
                    text = (
                        f"step {draft.id!r} {verb} unknown step {name!r}{suggestions.did_you_mean(name, ids)}"
                    )
                    problems.append(document.problem(text, "steps", draft.position, key))
    by_position = {draft.position: draft for draft in drafts}
    ready = [position for position, count in waiting.items() if count == 0]  # sorted, so it is a heap
    ordered: list[StepCompiler] = []
    while ready:
        draft = by_position[heappop(ready)]
        ordered.append(draft)
        for dependent in dependents.pop(draft.id, ()):
            waiting[dependent.position] -= 1
            if waiting[dependent.position] == 0:
                heappush(ready, dependent.position)
    if len(ordered) < len(drafts):
        done = {draft.position for draft in ordered}
        cycle = _find_cycle({draft.id: draft for draft in drafts if draft.position not in done})
        draft = by_id[cycle[0]]
        key = "needs" if cycle[1] in draft.needs else "after"
        text = f"steps need each other in a cycle: {' → '.join(cycle)}; remove one of these needs"
        problems.append(document.problem(text, "steps", draft.position, key))
        return drafts
    return ordered


def _find_cycle(by_id: Mapping[str, StepCompiler]) -> list[str]:
    """Return a cycle of ``needs`` and ``after``, from its first step in the file; empty if there is none."""
    try:
        TopologicalSorter({step: (*draft.needs, *draft.after) for step, draft in by_id.items()}).prepare()
    except CycleError as error:
        cycle = error.args[1][:0:-1]
        first = min(range(len(cycle)), key=lambda index: by_id[cycle[index]].position)
        return [*cycle[first:], *cycle[:first], cycle[first]]
    return []
